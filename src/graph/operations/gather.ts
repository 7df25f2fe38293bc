import { definePrimitive } from '../signatures.ts';
import { apply, refuse, sameShape, type Tensor } from '../tensor.ts';
import { pad } from './shape.ts';
import { sum } from './sum.ts';

const rowShape = (x: Tensor) => x.shape.slice(2);

const gatherOperation = definePrimitive({
  name: 'gather',
  role: 'move',
  infer: (inputs) => {
    const [x, indices, inverse] = inputs;
    const batched = x.shape.length >= 2 && (x.shape[0] === 1 || x.shape[0] === indices.shape[0]);
    if (indices.dtype !== 'i32' || indices.shape.length !== 2 || !batched)
      refuse('gather', 'rows [B or 1, N, ...] are taken by i32 indices [B, K]', inputs);
    const [samples, count] = indices.shape as [number, number];
    const rows = x.shape[1]!;
    if (inverse && (inverse.dtype !== 'i32' || !sameShape(inverse.shape, [samples, rows]) || count > rows))
      refuse('gather', 'rows [B or 1, N, ...], indices [B, K ≤ N] and inverse i32 [B, N] must fit', inputs);
    return [{ shape: [...indices.shape, ...rowShape(x)], dtype: x.dtype }];
  },
  vjp: ({ inputs: [x, indices, inverse] }, [dy]) => {
    const rows = x.shape[1]!;
    const missing = rows - indices.shape[1]!;
    const d = inverse
      ? gather(
          pad(
            dy,
            dy.shape.map(() => 0),
            dy.shape.map((_, axis) => (axis === 1 ? missing : 0)),
          ),
          inverse,
        )
      : scatterAdd(dy, indices, rows);
    return [x.shape[0] === d.shape[0] ? d : sum(d, [0]), undefined, undefined];
  },
});

/**
 * Rows of each sample: out[b, k] = x[b, indices[b, k]].
 * @param x [B, N, ...], or [1, N, ...] for one table shared by all samples
 * @param indices i32 [B, K]
 * @param inverse optional, i32 [B, N]: the position of row n in `indices`, or a number ≥ K if `indices` does not
 *   contain n. With it the gradient is a gather too: faster than a scatter-add, and always in the same order.
 */
export function gather(x: Tensor, indices: Tensor, inverse?: Tensor): Tensor {
  return apply(gatherOperation, inverse ? [x, indices, inverse] : [x, indices]);
}

const scatterAddOperation = definePrimitive({
  name: 'scatterAdd',
  role: 'reduce',
  infer: (inputs, { rows }) => {
    const [x, indices] = inputs;
    const fits = x.shape[0] === indices.shape[0] && x.shape[1] === indices.shape[1];
    if (indices.dtype !== 'i32' || x.dtype !== 'f32' || indices.shape.length !== 2 || !fits)
      refuse('scatterAdd', 'f32 rows [B, K, ...] are added by i32 indices [B, K]', inputs);
    return [{ shape: [x.shape[0]!, rows, ...rowShape(x)], dtype: 'f32' }];
  },
  vjp: ({ inputs: [, indices] }, [dy]) => [gather(dy, indices), undefined],
});

/** Adds rows to zeros: out[b, indices[b, k]] += x[b, k]; x [B, K, ...] → [B, rows, ...]. */
export function scatterAdd(x: Tensor, indices: Tensor, rows: number): Tensor {
  return apply(scatterAddOperation, [x, indices], { rows });
}

const invertPermutationOperation = definePrimitive({
  name: 'invertPermutation',
  role: 'index',
  infer: (inputs) => {
    const [order] = inputs;
    if (order.dtype !== 'i32' || order.shape.length !== 2)
      refuse('invertPermutation', 'orders are i32 [B, N]', inputs);
    return [order];
  },
  vjp: null,
});

/** The position of each index in its order: out[b, order[b, k]] = k, for permutations i32 [B, N]. */
export function invertPermutation(order: Tensor): Tensor {
  return apply(invertPermutationOperation, [order]);
}
