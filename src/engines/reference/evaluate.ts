import { constantOperation, input, inputOperation } from '../../graph/operations/source.ts';
import { checkInputs, type Program } from '../../graph/program.ts';
import type { PrimitiveName } from '../../graph/signatures.ts';
import { type Node, refuse, type Tensor, type TensorData } from '../../graph/tensor.ts';
import { topologicalOrder } from '../../graph/topology.ts';
import { conv } from './conv.ts';
import { describeData, narrow, type ReferenceData, widen } from './data.ts';
import { elementwise } from './elementwise.ts';
import { gather } from './gather.ts';
import type { Kernel, Kernels } from './kernel.ts';
import { matmul } from './matmul.ts';
import { reduce } from './reduce.ts';
import { shape } from './shape.ts';

const kernels: Kernels = {
  ...elementwise,
  ...gather,
  ...reduce,
  ...shape,
  conv,
  matmul,
};

/**
 * Value of scalar constants: `rounded` to float32 as on every engine, or `exact` in float64. Formulas agree with
 * their derivatives beyond 1e-7 only with exact factors, such as 1/√(2π).
 */
export type Scalars = 'rounded' | 'exact';

/**
 * Outputs of a node from the values of its inputs, in double precision. Composites are decomposed. Throws GraphError
 * for an input node.
 */
export function evaluate(
  node: Node,
  inputs: readonly (TensorData | Float64Array)[],
  scalars: Scalars = 'rounded',
): ReferenceData[] {
  const { operation, attributes } = node;
  const wide = inputs.map(widen);
  if (operation.decompose) return evaluateComposite(node, wide, scalars);
  if (operation === constantOperation) {
    const { exact, data } = attributes as { exact?: number; data: TensorData };
    return [scalars === 'exact' && exact !== undefined ? Float64Array.of(exact) : widen(data)];
  }
  const kernel = kernels[operation.name as PrimitiveName] as Kernel | undefined;
  if (!kernel) refuse(operation.name, 'the reference engine does not have this operation', node.inputs);
  return [kernel(node, wide)];
}

/** `evaluate` with results rounded to float32, for constant folding in `optimise`. */
export function evaluateNode(node: Node, inputs: readonly TensorData[]): TensorData[] {
  return evaluate(node, inputs).map(narrow);
}

/**
 * Outputs of a program, in double precision throughout.
 * @throws GraphError for an input that is missing or has the wrong type or length
 */
export function evaluateProgram(
  program: Program,
  values: Readonly<Record<string, TensorData | Float64Array>>,
  scalars?: Scalars,
): Record<string, ReferenceData> {
  checkInputs(program, (name) => describeData(values[name]));
  const feeds = new Map<Tensor, ReferenceData>();
  for (const [name, tensor] of Object.entries(program.inputs)) feeds.set(tensor, widen(values[name]!));
  const results = compute(Object.values(program.outputs), feeds, scalars);
  return Object.fromEntries(Object.keys(program.outputs).map((name, i) => [name, results[i]!]));
}

/** Values of `outputs`. Drops each intermediate value after its last use. */
function compute(
  outputs: readonly Tensor[],
  feeds: ReadonlyMap<Tensor, ReferenceData>,
  scalars?: Scalars,
): ReferenceData[] {
  const order = topologicalOrder(outputs);
  const uses = new Map<Tensor, number>();
  const count = (tensor: Tensor, change: number) => uses.set(tensor, (uses.get(tensor) ?? 0) + change);
  for (const { inputs } of order) for (const tensor of inputs) count(tensor, 1);
  for (const tensor of outputs) count(tensor, 1);
  const known = new Map(feeds);
  for (const node of order) {
    if (node.operation === inputOperation) continue;
    const results = evaluate(
      node,
      node.inputs.map((tensor) => known.get(tensor)!),
      scalars,
    );
    node.outputs.forEach((tensor, i) => {
      if (uses.has(tensor)) known.set(tensor, results[i]!);
    });
    for (const tensor of node.inputs) {
      count(tensor, -1);
      if (uses.get(tensor) === 0) known.delete(tensor);
    }
  }
  return outputs.map((tensor) => known.get(tensor)!);
}

const decompositions = new WeakMap<Node, { stand: Tensor[]; outputs: Tensor[] }>();

function evaluateComposite(node: Node, inputs: readonly ReferenceData[], scalars: Scalars): ReferenceData[] {
  let parts = decompositions.get(node);
  if (!parts) {
    const stand = node.inputs.map((tensor, i) => input(`#${i}`, tensor.shape, tensor.dtype));
    parts = { stand, outputs: node.operation.decompose!(node, stand) };
    decompositions.set(node, parts);
  }
  return compute(parts.outputs, new Map(parts.stand.map((tensor, i) => [tensor, inputs[i]!])), scalars);
}
