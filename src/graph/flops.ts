import { optimise } from './passes/optimise.ts';
import type { Program } from './program.ts';
import type { Node } from './tensor.ts';
import { topologicalOrder } from './topology.ts';

/** Multiplications and additions in a program's products and convolutions. Counts a common subexpression once. */
export function programFlops(program: Program): number {
  return flopsOf(topologicalOrder(Object.values(optimise(program).outputs)));
}

/** The same for a list of nodes. */
export function flopsOf(nodes: readonly Node[]): number {
  return nodes.reduce((sum, node) => sum + nodeFlops(node), 0);
}

function nodeFlops(node: Node): number {
  const { operation, inputs } = node;
  if (operation.flops) return operation.flops(node);
  if (!operation.decompose) return 0;
  const end = new Set(inputs.map((input) => input.node));
  return flopsOf(topologicalOrder(operation.decompose(node, inputs), end));
}
