import { add } from './operations/elementwise.ts';
import { constant, zeros } from './operations/source.ts';
import { describe, GraphError, type Node, type Tensor } from './tensor.ts';
import { topologicalOrder } from './topology.ts';

/**
 * Gradients of a scalar with respect to each of `wrt`, as tensors of their shapes
 * (zeros where the scalar does not depend on it). Reverse mode; the result can be differentiated again.
 */
export function grad(scalar: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (scalar.shape.length !== 0 || scalar.dtype !== 'f32')
    throw new GraphError(`grad: only an f32 scalar has a gradient, got ${describe(scalar)}`);
  return backward([scalar], [constant(1)], wrt).map((gradient, i) => gradient ?? zeros(wrt[i]!.shape));
}

/** Carries the outputs' cotangents back to `wrt`, not beyond `end`; undefined where nothing flows. */
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
  // A composite without a rule of its own is differentiated through what it is made of.
  return operation.decompose ? pullback(operation.decompose(node, inputs), dy, inputs) : [];
}

/**
 * Gradients of `inputs` through a piece of graph that begins at them, given those of its outputs; undefined where nothing
 * flows. What flows to an input that is given twice counts once.
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

/** The nodes whose values depend on `wrt`. */
function dependents(order: readonly Node[], wrt: readonly Tensor[]): Set<Node> {
  const found = new Set(wrt.map(({ node }) => node));
  for (const node of order) if (node.inputs.some((input) => found.has(input.node))) found.add(node);
  return found;
}
