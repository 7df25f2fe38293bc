import { constantOperation } from '../../graph/operations/source.ts';
import type { Program } from '../../graph/program.ts';
import type { Node, Tensor } from '../../graph/tensor.ts';
import type { StorageType } from './view.ts';

/** Operations that can write bfloat16, and those that can read it without first making floats of it. */
const writers = new Set(['matmul', 'linear', 'gelu', 'geluGrad', 'attention', 'attentionGrad']);
const readers = new Set(['matmul', 'linear', 'gelu', 'geluGrad', 'attention', 'attentionGrad', 'sum']);
/** Operations that move values and do not change them: their results are kept as their inputs are. */
const movers = new Set(['reshape', 'transpose', 'slice', 'split', 'concat']);
/** Operations all of whose floats have one type. */
const uniform = new Set(['gelu', 'geluGrad', ...movers]);

/** Whether a node's products may be computed in bfloat16: those with constants belong to targets and losses. */
export function mayNarrow({ inputs }: Node): boolean {
  return !inputs.some(fromConstants);
}

/** Whether a tensor is computed from constants alone. */
function fromConstants({ node: { operation, inputs } }: Tensor): boolean {
  return operation === constantOperation || (inputs.length > 0 && inputs.every(fromConstants));
}

/**
 * Which tensors of a program are kept in bfloat16: those that only products make and read, and functions between products.
 * Sums run in float32 all the same, and so do norms, softmax, residuals and losses.
 */
export function narrowTensors(order: readonly Node[], { outputs }: Program): ReadonlySet<Tensor> {
  const narrow = new Set<Tensor>();
  const products = new Set(order.filter((node) => mayNarrow(node)));
  for (const node of order) {
    const { operation, outputs: made } = node;
    if ((writers.has(operation.name) && products.has(node)) || movers.has(operation.name))
      for (const tensor of made) if (tensor.dtype === 'f32') narrow.add(tensor);
  }
  for (const tensor of Object.values(outputs)) narrow.delete(tensor);
  for (let before = -1; before !== narrow.size; ) {
    before = narrow.size;
    for (const node of order) {
      const { operation, inputs, outputs: made } = node;
      const drop = (tensors: readonly Tensor[]) => {
        for (const tensor of tensors) narrow.delete(tensor);
      };
      const reads = readers.has(operation.name) && products.has(node);
      if (!reads && !movers.has(operation.name)) drop(inputs);
      // The bias of a product is added in float32.
      if (operation.name === 'linear') drop(inputs.slice(2));
      const together = [...inputs, ...made];
      if (uniform.has(operation.name) && together.some((tensor) => !narrow.has(tensor))) drop(together);
      if (operation.name === 'attentionGrad' && made.some((tensor) => !narrow.has(tensor))) drop(made);
    }
  }
  return narrow;
}

export const storageOf = (tensor: Tensor, narrow: ReadonlySet<Tensor>): StorageType =>
  narrow.has(tensor) ? 'bf16' : tensor.dtype;
