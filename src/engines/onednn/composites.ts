import type { CompositeName, PrimitiveName } from '../../graph/signatures.ts';
import { type Operation, sizeOf } from '../../graph/tensor.ts';
import { attention, attentionGrad } from './attention.ts';
import type { Builder } from './builder.ts';
import {
  type Context,
  convolutionOf,
  inGroups,
  product,
  type Rule,
  type RuleOf,
  rules,
  zeros,
} from './rules.ts';
import { asRows, permuted, reshaped, rowOf, sliced, type View } from './view.ts';

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
  geluGrad: (context, _, inputs) => eltwiseGrad(context, 'gelu', inputs),
  softmax: ({ builder }, _, [x]) => {
    const out = builder.fresh(x.shape);
    builder.emit({ kind: 'softmax', x: asRows(builder.dense(x)), out: asRows(out) });
    return out;
  },
  relu: ({ builder, storage }, _, [x]) => builder.eltwise('relu', builder.as(storage[0]!, x)),
  reluGrad: (context, _, inputs) => eltwiseGrad(context, 'relu', inputs),
  convInputGrad: ({ builder }, { attributes, outputs: [dx] }, [filters, dy]) => {
    const { inputDilation } = attributes;
    const { laid, made, rest } = convolutionOf(builder, filters.shape, attributes);
    // Gradients of the zeros between pixels are computed and left out. As in `spread`, zeros also follow the last pixel.
    const by = [1, 1, ...inputDilation];
    const whole = made(dx!.shape.map((side, axis) => side * by[axis]!));
    const ends = dx!.shape.map((side, axis) => (side - 1) * by[axis]! + 1);
    const out = sliced(whole, [0, 0, 0, 0], ends);
    const bank = inGroups(builder.dense(filters), attributes);
    builder.emit({ kind: 'imageGrad', filters: bank, dy: laid(dy), out, ...rest });
    return {
      ...whole,
      shape: dx!.shape,
      strides: whole.strides.map((stride, axis) => stride * by[axis]!),
    };
  },
  batchNorm: ({ builder }, { attributes: { epsilon }, outputs: [y, average] }, [x, weight, bias]) => {
    const out = builder.fresh(y!.shape);
    const [mean, variance] = [builder.fresh(average!.shape), builder.fresh(average!.shape)];
    const scaleShift = stacked(builder, [weight, bias]);
    const images = { x: asImages(builder.dense(x)), out: asImages(out) };
    builder.emit({ kind: 'batchNorm', ...images, scaleShift, mean, variance, epsilon });
    return [out, mean, variance];
  },
  batchNormGrad: ({ builder }, { attributes: { epsilon }, outputs: [dx] }, inputs) => {
    const [x, weight, mean, variance, dy] = inputs.map((view) => builder.dense(view)) as [
      View,
      View,
      View,
      View,
      View,
    ];
    const out = builder.fresh(dx!.shape);
    // The gradients do not depend on the shift.
    const scaleShift = stacked(builder, [weight, weight]);
    const dScaleShift = builder.fresh(scaleShift.shape);
    const images = { x: asImages(x), dy: asImages(dy), out: asImages(out) };
    builder.emit({ kind: 'batchNormGrad', ...images, scaleShift, mean, variance, dScaleShift, epsilon });
    return [out, rowOf(dScaleShift, 0), rowOf(dScaleShift, 1)];
  },
  logSoftmax: ({ builder }, _, [x]) => {
    const out = builder.fresh(x.shape);
    builder.emit({ kind: 'logSoftmax', x: asRows(builder.dense(x)), out: asRows(out) });
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
  attention,
  attentionGrad,
};

/** Rule of an operation; undefined for composites that are decomposed. */
export const ruleOf = ({ name }: Operation): Rule | undefined =>
  (composites[name as CompositeName] ?? rules[name as PrimitiveName]) as Rule | undefined;

/** Gradient of an activation, from its argument; from the result of one that keeps signs. */
function eltwiseGrad(
  { builder, storage }: Context,
  name: 'gelu' | 'relu',
  inputs: readonly [x: View, dy: View],
): View {
  const [x, dy] = inputs.map((view) => builder.dense(builder.as(storage[0]!, view))) as [View, View];
  const out = builder.fresh(x.shape, storage[0]!);
  const [a, b, c] = [x, dy, out].map((view) => reshaped(view, [sizeOf(x.shape)])!) as [View, View, View];
  builder.emit({ kind: 'eltwiseGrad', function: name, x: a, dy: b, out: c });
  return out;
}

/** Dense values [..., C] as images [B, C, H, W] in their order: oneDNN's fast kernels for batch norms want four axes. */
function asImages(view: View): View {
  const [channels, ...sides] = view.shape.toReversed() as [number, ...number[]];
  const [width = 1, height = 1, ...batch] = sides;
  return permuted(reshaped(view, [sizeOf(batch), height, width, channels])!, [0, 3, 1, 2]);
}

/** Vectors of one length as the rows of a matrix. */
function stacked(builder: Builder, rows: readonly View[]): View {
  const matrix = builder.fresh([rows.length, ...rows[0]!.shape]);
  for (const [i, row] of rows.entries()) builder.copy(row, rowOf(matrix, i));
  return matrix;
}

const asColumn = (view: View): View => reshaped(view, [sizeOf(view.shape)])!;
