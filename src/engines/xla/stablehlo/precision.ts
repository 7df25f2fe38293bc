import '../../../graph/index.ts'; // registers the operations
import { fromConstants } from '../../../graph/operations/source.ts';
import type { Program } from '../../../graph/program.ts';
import { type Node, type Operation, operations, type Tensor } from '../../../graph/tensor.ts';
import { topologicalOrder } from '../../../graph/topology.ts';
import { attentionGradKernel, attentionKernel } from '../triton/attention.ts';
import { filterBanksKernel } from '../triton/filter-banks.ts';
import { geluGradKernel, geluKernel } from '../triton/gelu.ts';
import { layerNormGradKernel, layerNormKernel } from '../triton/layer-norm.ts';
import { fusedAttentionGradOperation, fusedAttentionOperation, STATISTICS } from './fused-attention.ts';
import { barrierOperation } from './rematerialise.ts';
import type { ElementType } from './values.ts';

/** Floats of a step. `bf16` computes products in bfloat16 and keeps the rest in float32. */
export type Precision = 'f32' | 'bf16';

/** Float types that a node reads and yields. */
export interface FloatTypes {
  /** One type for all inputs, or one per input. */
  readonly reads: ElementType | 'unchanged' | readonly ElementType[];
  /** Types of the outputs. Default: float32. */
  readonly yields: readonly ElementType[];
}

const all: FloatTypes = { reads: 'f32', yields: [] };

/** Kernels convert what they read themselves. Their partial sums are float32. */
const ofKernels: ReadonlyMap<Operation, FloatTypes> = new Map([
  [attentionKernel, { reads: 'bf16', yields: ['bf16'] }],
  [attentionGradKernel, { reads: 'bf16', yields: ['bf16', 'f32'] }],
  [filterBanksKernel, { reads: 'unchanged', yields: [] }],
  [geluKernel, { reads: 'unchanged', yields: ['bf16'] }],
  [geluGradKernel, { reads: 'unchanged', yields: ['bf16', 'f32'] }],
  [layerNormKernel, { reads: 'unchanged', yields: ['bf16', 'f32', 'f32'] }],
  [layerNormGradKernel, { reads: 'unchanged', yields: ['bf16', 'f32'] }],
]);

/** Operations that compute in float32 and yield their first output in bfloat16. */
const narrows = ({ role }: Operation) => role === 'norm' || role === 'activation';

/** Composites lowered as a whole, so that the policy sees them. */
export const kept: ReadonlySet<string> = new Set([
  ...[...operations().values()].filter(narrows).map(({ name }) => name),
  'linear',
]);

/**
 * The policy of mixed precision. Products of the model (linear layers, attention) read and yield bfloat16 and
 * accumulate in float32. Softmax, norms and GELU compute in float32 and yield bfloat16, as do sums with a bfloat16
 * operand, such as residuals and their gradients. Fused attention reads and yields bfloat16, except for its
 * statistics. Everything else is float32: statistics, targets, losses, gradients of weights, updates. Products with
 * constants (resizing by area) belong to targets and losses; an accelerator may read their operands as TF32.
 * @param rounded outputs that products may still yield in bfloat16
 */
export function floatTypes(
  { outputs }: Program,
  precision: Precision,
  rounded: ReadonlySet<Tensor> = new Set(),
): (node: Node) => FloatTypes {
  if (precision === 'f32') return () => all;
  const results = Object.values(outputs);
  const types = new Map<Node, FloatTypes>();
  const readers = readersOf(results, rounded);
  const yielded = (tensor: Tensor) => types.get(tensor.node)?.yields[tensor.index] ?? 'f32';
  for (const node of topologicalOrder(results))
    types.set(
      node,
      typesOf(node, yielded, (t) => exact(t, readers)),
    );
  return (node) => types.get(node) ?? all;
}

function typesOf(
  node: Node,
  yielded: (tensor: Tensor) => ElementType,
  mustBeExact: (tensor: Tensor) => boolean,
): FloatTypes {
  const { operation, inputs, outputs } = node;
  const kernel = ofKernels.get(operation);
  if (kernel) return kernel;
  if (narrows(operation)) return { reads: 'f32', yields: ['bf16'] };
  if (operation === barrierOperation) return { reads: 'unchanged', yields: inputs.map(yielded) };
  // Moving values does not change their type.
  if (operation.role === 'move') {
    const floats = inputs.filter(({ dtype }) => dtype === 'f32');
    const type = floats.length > 0 && floats.every((input) => yielded(input) === 'bf16') ? 'bf16' : 'f32';
    return { reads: type, yields: [type] };
  }
  if (operation === fusedAttentionOperation) return { reads: 'bf16', yields: ['bf16', 'f32'] };
  if (operation === fusedAttentionGradOperation)
    return {
      reads: inputs.map((_, i) => (i === STATISTICS ? 'f32' : 'bf16')),
      yields: ['bf16', 'bf16', 'bf16'],
    };
  // Declared as a bfloat16 sum. XLA would skip the rounding of a float32 sum and store four bytes per number.
  if (operation.name === 'add' && inputs.some((input) => yielded(input) === 'bf16'))
    return mustBeExact(outputs[0]!) ? all : { reads: 'bf16', yields: ['bf16'] };
  if (operation.role !== 'product' || inputs.some(fromConstants)) return all;
  return { reads: 'bf16', yields: [mustBeExact(outputs[0]!) ? 'f32' : 'bf16'] };
}

/** True if a product must not be rounded: it is an output (such as a weight's gradient), or a softmax reads it. */
function exact(tensor: Tensor, readers: ReadonlyMap<Tensor, readonly Node[] | 'out'>): boolean {
  const found = readers.get(tensor);
  if (found === 'out') return true;
  return (found ?? []).some(
    (node) =>
      node.operation.name === 'softmax' ||
      (node.operation.role === 'move' && node.outputs.some((output) => exact(output, readers))),
  );
}

/** The nodes that read each tensor, or `out` for outputs. */
function readersOf(results: readonly Tensor[], rounded: ReadonlySet<Tensor>): Map<Tensor, Node[] | 'out'> {
  const exact = results.filter((tensor) => !rounded.has(tensor));
  const readers = new Map<Tensor, Node[] | 'out'>(exact.map((tensor) => [tensor, 'out']));
  for (const node of topologicalOrder(results))
    for (const input of node.inputs) {
      const known = readers.get(input) ?? [];
      if (known !== 'out') readers.set(input, [...known, node]);
    }
  return readers;
}
