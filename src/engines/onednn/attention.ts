import type { Shape } from '../../graph/tensor.ts';
import type { Builder } from './builder.ts';
import { type Context, type RuleOf, transposed } from './rules.ts';
import { asRows, bytesOf, permuted, type StorageType, sliced, type View } from './view.ts';

/** From this number of weights in a matrix on, attention is computed in parts: see `partsOf`. */
const LONG = 2 ** 18;
/** Bytes of the weights of a part: enough for long products, little beside the other tensors of a step. */
const PART = 2 ** 25;

export const attention: RuleOf<'attention'> = (context, { attributes: { scale }, outputs: [y] }, inputs) => {
  const { builder, storage } = context;
  const [q, k, v] = inputs.map((view) => matrices(context, view)) as [View, View, View];
  const out = tokensFirst(builder, y!.shape, storage[0]!);
  const parts = partsOf(q, k);
  for (const part of parts) {
    const weights = attentionWeights(context, part(q), part(k), scale);
    builder.matmul(weights, part(v), part(out));
    if (parts.length === 1) builder.weights.set(out, weights);
  }
  return out;
};

export const attentionGrad: RuleOf<'attentionGrad'> = (context, { attributes: { scale } }, inputs) => {
  const { builder, compute, storage } = context;
  const y = inputs[3];
  const [q, k, v, , dy] = inputs.map((view) => matrices(context, view)) as [View, View, View, View, View];
  const places = gradientPlaces(builder, q.shape, k.shape, storage[0]!);
  const known = builder.weights.get(y);
  for (const part of partsOf(q, k)) {
    const p = known ? builder.as(compute, known) : attentionWeights(context, part(q), part(k), scale);
    const [dq, dk, dv] = places.map(part) as [View, View, View];
    // A transposed matrix multiplies faster into a dense result, even including the copy.
    const transposedProduct = (a: View, b: View, out: View, alpha: number) =>
      builder.copy(builder.matmul(transposed(a), b, builder.fresh(out.shape, out.dtype), { alpha }), out);
    transposedProduct(p, part(dy), dv, 1);
    const dp = builder.matmul(part(dy), transposed(part(v)), builder.fresh(p.shape));
    const ds = builder.fresh(p.shape);
    builder.emit({ kind: 'softmaxGrad', y: asRows(builder.as('f32', p)), dy: asRows(dp), out: asRows(ds) });
    const slope = builder.as(compute, ds);
    builder.matmul(slope, part(k), dq, { alpha: scale });
    transposedProduct(slope, part(q), dk, scale);
  }
  return places;
};

/**
 * Functions that take a part of the heads of one image from a view [B, h, N, d]. Short sequences are one part, whose weights are kept for
 * the gradient. The weights of long ones [B, h, N, M] would fill the memory: few heads are computed at a time, and once more for the gradient.
 */
function partsOf({ shape: [batch, heads, queries] }: View, k: View): ((view: View) => View)[] {
  const weights = queries! * k.shape[2]!;
  if (weights < LONG) return [(view) => view];
  const most = Math.max(1, Math.floor(PART / (weights * bytesOf('f32'))));
  const parts: ((view: View) => View)[] = [];
  for (let image = 0; image < batch!; image++)
    for (let first = 0; first < heads!; first += most) {
      const end = Math.min(heads!, first + most);
      parts.push((view) => sliced(view, [image, first, 0, 0], [image + 1, end, ...view.shape.slice(2)]));
    }
  return parts;
}

/** Queries, keys, values or their gradient with dense matrices for each head: products read these fastest. */
function matrices({ builder, compute }: Context, view: View): View {
  return builder.packed(builder.as(compute, view));
}

/** softmax(scale · q kᵀ): [B, h, N, M], in the compute type. */
function attentionWeights({ builder, compute }: Context, q: View, k: View, scale: number): View {
  const shape = [...q.shape.slice(0, 3), k.shape[2]!];
  const scores = builder.matmul(q, transposed(k), builder.fresh(shape), { alpha: scale });
  const weights = builder.fresh(shape);
  builder.emit({ kind: 'softmax', x: asRows(scores), out: asRows(weights) });
  return builder.as(compute, weights);
}

/** A view [B, h, N, d] in memory ordered [B, N, h, d], so that the heads of a token are contiguous. */
function tokensFirst(builder: Builder, shape: Shape, dtype: StorageType): View {
  const [batch, heads, tokens, depth] = shape as [number, number, number, number];
  return permuted(builder.fresh([batch, tokens, heads, depth], dtype), [0, 2, 1, 3]);
}

/**
 * Buffers for the gradients of queries, keys and values: interleaved in each token's row if all have the same number
 * of tokens.
 */
function gradientPlaces(builder: Builder, q: Shape, k: Shape, dtype: StorageType): [View, View, View] {
  const [batch, heads, tokens, depth] = q as [number, number, number, number];
  if (k[2] !== tokens)
    return [q, k, k].map((shape) => tokensFirst(builder, shape, dtype)) as [View, View, View];
  const all = permuted(builder.fresh([batch, tokens, 3, heads, depth], dtype), [2, 0, 3, 1, 4]);
  const part = (i: number): View => {
    const { shape, strides, ...rest } = sliced(all, [i, 0, 0, 0, 0], [i + 1, ...q]);
    return { ...rest, shape: shape.slice(1), strides: strides.slice(1) };
  };
  return [part(0), part(1), part(2)];
}
