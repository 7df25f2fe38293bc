import { optimise } from './passes/optimise.ts';
import type { Program } from './program.ts';
import { sizeOf } from './tensor.ts';
import { topologicalOrder } from './topology.ts';

/** Multiplications and additions of a program's matrix products, common ones counted once. */
export function matmulFlops(program: Program): number {
  const { outputs } = optimise(program);
  const nodes = topologicalOrder(Object.values(outputs)).filter(
    ({ operation }) => operation.name === 'matmul',
  );
  return nodes.reduce((sum, { inputs: [a], attributes, outputs: [product] }) => {
    const inner = a!.shape.at(attributes.transposeA ? -2 : -1)!;
    return sum + 2 * inner * sizeOf(product!.shape);
  }, 0);
}
