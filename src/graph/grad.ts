import { add } from './operations/elementwise.ts';
import { constant, zeros } from './operations/source.ts';
import { describe, GraphError, type Node, type Tensor } from './tensor.ts';
import { topologicalOrder } from './topology.ts';

/**
 * Gradients of a scalar with respect to each tensor of `wrt`, in their shapes; zeros if the scalar does not depend on
 * one. Reverse mode. The result can be differentiated again. Throws GraphError unless the scalar is f32 of shape [].
 */
export function grad(scalar: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (scalar.shape.length !== 0 || scalar.dtype !== 'f32')
    throw new GraphError(`grad: only an f32 scalar has a gradient, got ${describe(scalar)}`);
  return backward([scalar], [constant(1)], wrt).map((gradient, i) => gradient ?? zeros(wrt[i]!.shape));
}

/** Propagates the outputs' cotangents back to `wrt`, and stops at the nodes of `end`. Undefined: no gradient. */
function backward(
  outputs: readonly Tensor[],
  cotangents: readonly (Tensor | undefined)[],
  wrt: readonly Tensor[],
  end?: ReadonlySet<Node>,
): (Tensor | undefined)[] {
  const order = topologicalOrder(outputs, end);
  const active = dependents(order, wrt);
  const flowing = new Map<Tensor, Tensor>();
  const accumulate = (to: Tensor, cotangent: Tensor) => {
    const known = flowing.get(to);
    flowing.set(to, known ? add(known, cotangent) : cotangent);
  };
  outputs.forEach((output, i) => {
    if (cotangents[i]) accumulate(output, cotangents[i]);
  });
  for (const node of order.reverse()) {
    if (!active.has(node) || node.inputs.length === 0) continue;
    const dy = node.outputs.map((output) => flowing.get(output));
    if (dy.every((cotangent) => !cotangent)) continue;
    vjp(node, dy).forEach((cotangent, i) => {
      if (cotangent) accumulate(node.inputs[i]!, cotangent);
    });
  }
  return wrt.map((tensor) => flowing.get(tensor));
}

function vjp(node: Node, dy: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
  const { operation, inputs } = node;
  const own = operation.vjp?.(node, dy);
  if (own) return own;
  // A composite without a gradient rule is differentiated through its decomposition.
  return operation.decompose ? pullback(operation.decompose(node, inputs), dy, inputs) : [];
}

/**
 * Gradients of `inputs` through the subgraph from `inputs` to `outputs`, from the outputs' gradients `dy`. Undefined:
 * no gradient. If a tensor occurs twice among `inputs`, its first occurrence gets the gradient.
 */
export function pullback(
  outputs: readonly Tensor[],
  dy: readonly (Tensor | undefined)[],
  inputs: readonly Tensor[],
): (Tensor | undefined)[] {
  const end = new Set(inputs.map((input) => input.node));
  const totals = backward(outputs, dy, inputs, end);
  return totals.map((total, i) => (inputs.indexOf(inputs[i]!) === i ? total : undefined));
}

/** The nodes that depend on `wrt`. */
function dependents(order: readonly Node[], wrt: readonly Tensor[]): Set<Node> {
  const found = new Set(wrt.map(({ node }) => node));
  for (const node of order) if (node.inputs.some((input) => found.has(input.node))) found.add(node);
  return found;
}
