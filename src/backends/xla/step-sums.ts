import type { Value } from './stablehlo/values.ts';
import { type FunctionWriter, names } from './stablehlo/writer.ts';

/** In float32: a gradient whose squares overflow counts as not finite. */
export function sumOfSquares(writer: FunctionWriter, x: Value): Value {
  const axes = x.shape.map((_, axis) => axis);
  return writer.reduce(writer.apply('stablehlo.multiply', [x, x]), 'add', axes, writer.number(0));
}

/** Scalars as one array. */
export function concatenate(writer: FunctionWriter, scalars: readonly Value[]): Value {
  const parts = scalars.map((scalar) => writer.reshape(scalar, [1]));
  return writer.write(`stablehlo.concatenate ${names(parts)}, dim = 0`, parts, {
    shape: [parts.length],
    type: 'f32',
  });
}

export function allFinite(writer: FunctionWriter, x: Value): Value {
  const finite = writer.apply('stablehlo.is_finite', [x], { shape: x.shape, type: 'i1' });
  return writer.reduce(finite, 'and', [0], writer.truth());
}

export function scalarAt(writer: FunctionWriter, numbers: Value, index: number): Value {
  const one = writer.write(`stablehlo.slice ${numbers.name} [${index}:${index + 1}]`, [numbers], {
    shape: [1],
    type: 'f32',
  });
  return writer.reshape(one, []);
}

/** min(1, clip / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_ has it; 1 where nothing is clipped. */
export function clipScale(
  writer: FunctionWriter,
  squares: readonly Value[],
  clip: number | undefined,
): Value {
  if (clip === undefined) return writer.number(1);
  const total = writer.reduce(concatenate(writer, squares), 'add', [0], writer.number(0));
  const norm = writer.apply('stablehlo.add', [writer.apply('stablehlo.sqrt', [total]), writer.number(1e-6)]);
  const ratio = writer.apply('stablehlo.divide', [writer.number(clip), norm]);
  return writer.apply('stablehlo.minimum', [writer.number(1), ratio]);
}
