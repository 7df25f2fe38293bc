import type { Node, Tensor } from './tensor.ts';

/** Every node that `outputs` depend on, each after its inputs. Nodes in `settled` and those below are left out. */
export function topologicalOrder(outputs: readonly Tensor[], settled: ReadonlySet<Node> = new Set()): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  // A stack of our own: networks are deeper than JavaScript's.
  const stack: { node: Node; next: number }[] = [];
  const visit = (node: Node) => {
    if (seen.has(node) || settled.has(node)) return;
    seen.add(node);
    stack.push({ node, next: 0 });
  };
  for (const output of outputs) {
    visit(output.node);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const input = top.node.inputs[top.next++];
      if (input) visit(input.node);
      else order.push(stack.pop()!.node);
    }
  }
  return order;
}
