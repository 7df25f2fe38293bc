import { fromConstants } from '../../graph/operations/source.ts';
import type { Node, Operation, Tensor } from '../../graph/tensor.ts';
import { ruleOf } from './composites.ts';
import { host } from './rules.ts';
import type { StorageType } from './view.ts';

/**
 * True if an operation moves values without a loop (loops cannot read bfloat16): results keep the type of the inputs.
 */
const moves = (operation: Operation) => operation.role === 'move' && ruleOf(operation) !== host;
/** True if the operation can write bfloat16 and read it without a conversion to floats. */
const writes = ({ role }: Operation) => role === 'product' || role === 'activation';
const reads = (operation: Operation) =>
  writes(operation) || (operation.role === 'reduce' && ruleOf(operation) !== host);
/** True if all of the operation's floats have one type. */
const isUniform = (operation: Operation) => operation.role === 'activation' || moves(operation);

/**
 * True if a node's products may use bfloat16. False for products with constants, which belong to targets and losses.
 */
export function mayNarrow({ inputs }: Node): boolean {
  return !inputs.some(fromConstants);
}

/**
 * Tensors of a program to store as bfloat16: only products, and activations between products, write and read
 * them. Sums still run in float32, as do norms, softmax, residuals and losses.
 */
export function narrowTensors(order: readonly Node[], outputs: readonly Tensor[]): ReadonlySet<Tensor> {
  const narrow = new Set<Tensor>();
  const products = new Set(order.filter((node) => mayNarrow(node)));
  for (const node of order) {
    const { operation, outputs: results } = node;
    if ((writes(operation) && products.has(node)) || moves(operation))
      for (const tensor of results) if (tensor.dtype === 'f32') narrow.add(tensor);
  }
  for (const tensor of outputs) narrow.delete(tensor);
  for (let before = -1; before !== narrow.size; ) {
    before = narrow.size;
    for (const node of order) {
      const { operation, inputs, outputs: results } = node;
      const drop = (tensors: readonly Tensor[]) => {
        for (const tensor of tensors) narrow.delete(tensor);
      };
      if (!(reads(operation) && products.has(node)) && !moves(operation)) drop(inputs);
      // Products add the bias in float32.
      if (operation.name === 'linear') drop(inputs.slice(2));
      const together = [...inputs, ...results];
      if (isUniform(operation) && together.some((tensor) => !narrow.has(tensor))) drop(together);
      if (operation.name === 'attentionGrad' && results.some((tensor) => !narrow.has(tensor))) drop(results);
    }
  }
  return narrow;
}

export const storageOf = (tensor: Tensor, narrow: ReadonlySet<Tensor>): StorageType =>
  narrow.has(tensor) ? 'bf16' : tensor.dtype;
