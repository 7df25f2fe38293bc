import type { CompositeName, PrimitiveName } from '../../graph/signatures.ts';
import { type Operation, type Shape, sizeOf } from '../../graph/tensor.ts';
import type { Builder } from './builder.ts';
import { type Context, product, type Rule, type RuleOf, rules, transposed, zeros } from './rules.ts';
import { permuted, reshaped, type StorageType, sliced, type View } from './view.ts';

/** Composites that oneDNN computes as a whole, or in fewer passes than their decomposition. */
export const composites: { readonly [N in CompositeName]?: RuleOf<N> } = {
  split: (_, { attributes: { axis }, outputs }, [x]) =>
    outputs.map(({ shape }, i) => {
      const start = x.shape.map((_, other) => (other === axis ? i * shape[axis]! : 0));
      return sliced(
        x,
        start,
        start.map((from, other) => from + shape[other]!),
      );
    }),
  linear: (context, { outputs: [y] }, [x, weight, bias]) =>
    product(
      context,
      x,
      weight,
      y!.shape,
      { transposeA: false, transposeB: true, alpha: 1 },
      bias && context.builder.dense(bias),
    ),
  gelu: ({ builder, storage }, _, [x]) => builder.eltwise('gelu', builder.as(storage[0]!, x)),
  geluGrad: ({ builder, storage }, _, inputs) => {
    const [x, dy] = inputs.map((view) => builder.dense(builder.as(storage[0]!, view))) as [View, View];
    const out = builder.fresh(x.shape, storage[0]!);
    const [a, b, c] = [x, dy, out].map((view) => reshaped(view, [sizeOf(x.shape)])!) as [View, View, View];
    builder.emit({ kind: 'eltwiseGrad', function: 'gelu', x: a, dy: b, out: c });
    return out;
  },
  softmax: ({ builder }, _, [x]) => {
    const out = builder.fresh(x.shape);
    builder.emit({ kind: 'softmax', x: asRows(builder.dense(x)), out: asRows(out) });
    return out;
  },
  layerNorm: ({ builder }, { attributes: { epsilon }, outputs: [y, mu] }, inputs) => {
    const [x, weight, bias] = inputs.map((view) => builder.dense(view)) as [View, View, View];
    const out = builder.fresh(y!.shape);
    const [mean, variance] = [builder.fresh(mu!.shape), builder.fresh(mu!.shape)];
    builder.emit({
      kind: 'layerNorm',
      x: asRows(x),
      weight,
      bias,
      out: asRows(out),
      mean: asColumn(mean),
      variance: asColumn(variance),
      epsilon,
    });
    // 1 / √(variance + ε). Removed later if only the gradient reads it.
    const scale = builder.eltwise('pow', builder.eltwise('linear', variance, { alpha: 1, beta: epsilon }), {
      alpha: 1,
      beta: -0.5,
    });
    builder.variances.set(scale, { variance, epsilon });
    return [out, mean, scale];
  },
  layerNormGrad: ({ builder }, { outputs: [dx, dw] }, inputs) => {
    const [x, weight, mean, scale, dy] = inputs.map((view) => builder.dense(view)) as [
      View,
      View,
      View,
      View,
      View,
    ];
    if (sizeOf(x.shape) === 0) return [dx, dw, dw].map((tensor) => zeros(builder, tensor!.shape));
    const known = builder.variances.get(scale) ?? {
      variance: builder.eltwise('pow', scale, { alpha: 1, beta: -2 }),
      epsilon: 0,
    };
    const [out, dWeight, dBias] = [
      builder.fresh(dx!.shape),
      builder.fresh(dw!.shape),
      builder.fresh(dw!.shape),
    ];
    builder.emit({
      kind: 'layerNormGrad',
      x: asRows(x),
      weight,
      mean: asColumn(mean),
      variance: asColumn(known.variance),
      dy: asRows(dy),
      out: asRows(out),
      dWeight,
      dBias,
      epsilon: known.epsilon,
    });
    return [out, dWeight, dBias];
  },
  attention: (context, { attributes: { scale }, outputs: [y] }, inputs) => {
    const { builder, storage } = context;
    const [q, k, v] = inputs.map((view) => matrices(context, view)) as [View, View, View];
    const weights = attentionWeights(context, q, k, scale);
    const out = tokensFirst(builder, y!.shape, storage[0]!);
    builder.matmul(weights, v, out);
    builder.weights.set(out, weights);
    return out;
  },
  attentionGrad: (context, { attributes: { scale } }, inputs) => {
    const { builder, compute, storage } = context;
    const y = inputs[3];
    const [q, k, v, , dy] = inputs.map((view) => matrices(context, view)) as [View, View, View, View, View];
    const known = builder.weights.get(y);
    const p = known ? builder.as(compute, known) : attentionWeights(context, q, k, scale);
    const places = gradientPlaces(builder, q.shape, k.shape, storage[0]!);
    const [dq, dk, dv] = places;
    // A transposed matrix multiplies faster into a dense result, even including the copy.
    const transposedProduct = (a: View, b: View, out: View, alpha: number) =>
      builder.copy(builder.matmul(transposed(a), b, builder.fresh(out.shape, out.dtype), { alpha }), out);
    transposedProduct(p, dy, dv, 1);
    const dp = builder.matmul(dy, transposed(v), builder.fresh(p.shape));
    const ds = builder.fresh(p.shape);
    builder.emit({ kind: 'softmaxGrad', y: asRows(builder.as('f32', p)), dy: asRows(dp), out: asRows(ds) });
    const slope = builder.as(compute, ds);
    builder.matmul(slope, k, dq, { alpha: scale });
    transposedProduct(slope, q, dk, scale);
    return places;
  },
};

/** Rule of an operation; undefined for composites that are decomposed. */
export const ruleOf = ({ name }: Operation): Rule | undefined =>
  (composites[name as CompositeName] ?? rules[name as PrimitiveName]) as Rule | undefined;

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

/** [..., D] as a matrix. */
const asRows = (view: View): View =>
  reshaped(view, [sizeOf(view.shape.slice(0, -1)), view.shape.at(-1) ?? 1])!;
const asColumn = (view: View): View => reshaped(view, [sizeOf(view.shape)])!;
