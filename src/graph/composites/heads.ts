import { concat, reshape, transpose } from '../operations/shape.ts';
import { zeros } from '../operations/source.ts';
import { defineComposite, type One } from '../signatures.ts';
import { apply, applyAll, refuse, requireFloat, sameShape, type Tensor } from '../tensor.ts';
import { split } from './split.ts';

const splitHeadsOperation = defineComposite<'splitHeads'>({
  name: 'splitHeads',
  role: 'move',
  infer: (inputs, { count, heads }) => {
    requireFloat('splitHeads', inputs);
    const [x] = inputs;
    const [batch, tokens, width] = x.shape as [number, number, number];
    const features = width / (count * heads);
    if (x.shape.length !== 3 || !Number.isInteger(features))
      refuse('splitHeads', `x must be [B, N, ${count}·h·d] with h = ${heads}`, inputs);
    return Array.from({ length: count }, () => ({
      shape: [batch, heads, tokens, features],
      dtype: 'f32' as const,
    }));
  },
  vjp: ({ outputs }, dy) => [mergeHeads(dy.map((cotangent, i) => cotangent ?? zeros(outputs[i]!.shape)))],
  // One transpose serves all parts: [parts, B, h, N, d].
  decompose: ({ outputs }, [x]) => {
    const [batch, heads, tokens, features] = outputs[0]!.shape as [number, number, number, number];
    const separate = reshape(x, [batch, tokens, outputs.length, heads, features]);
    const parts = split(transpose(separate, [2, 0, 3, 1, 4]), 0, outputs.length);
    return parts.map((part) => reshape(part, part.shape.slice(1)));
  },
});

const mergeHeadsOperation = defineComposite<'mergeHeads', One>({
  name: 'mergeHeads',
  role: 'move',
  infer: (inputs) => {
    requireFloat('mergeHeads', inputs);
    const { shape } = inputs[0];
    if (shape.length !== 4 || inputs.some((part) => !sameShape(part.shape, shape)))
      refuse('mergeHeads', 'parts must be [B, h, N, d] alike', inputs);
    const [batch, heads, tokens, features] = shape as [number, number, number, number];
    return [{ shape: [batch, tokens, inputs.length * heads * features], dtype: 'f32' }];
  },
  vjp: ({ inputs }, [dy]) => splitHeads(dy, inputs.length, inputs[0].shape[1]!),
  decompose: ({ outputs: [y] }, inputs) => {
    const parts = inputs.map((part) => reshape(part, [1, ...part.shape]));
    return [reshape(transpose(concat(parts, 0), [1, 3, 0, 2, 4]), y.shape)];
  },
});

/**
 * Splits concatenated parts, such as queries, keys and values, into heads: [B, N, count·h·d] → `count` of [B, h, N,
 * d].
 */
export function splitHeads(x: Tensor, count: number, heads: number): Tensor[] {
  return applyAll(splitHeadsOperation, [x], { count, heads });
}

/** Inverse of `splitHeads`: parts [B, h, N, d] → [B, N, count·h·d]. */
export function mergeHeads(parts: readonly Tensor[]): Tensor {
  return apply(mergeHeadsOperation, parts);
}
