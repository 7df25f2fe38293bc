import { CLIP_EPSILON } from '../host/training-step.ts';
import type { Value, ValueType } from './stablehlo/values.ts';
import { type FunctionWriter, names } from './stablehlo/writer.ts';

/**
 * Sum of squares of each array, in float32; an overflow counts as not finite. Arrays with equal numbers of rows are
 * summed together, because a kernel for each of many small arrays would take longer to start than to run.
 */
export function sumsOfSquares(writer: FunctionWriter, arrays: readonly Value[]): Value[] {
  const rows = arrays.map((x) => squaresOfRows(writer, x));
  const zero = writer.number(0);
  const sums = new Map<Value, Value>();
  for (const length of new Set(rows.map(({ shape }) => shape[0]!))) {
    const alike = rows.filter(({ shape }) => shape[0] === length);
    const type: ValueType = { shape: [alike.length * length], type: 'f32' };
    const stacked = writer.write(`stablehlo.concatenate ${names(alike)}, dim = 0`, alike, type);
    const totals = writer.reduce(writer.reshape(stacked, [alike.length, length]), 'add', [1], zero);
    alike.forEach((each, i) => {
      sums.set(each, scalarAt(writer, totals, i));
    });
  }
  return rows.map((each) => sums.get(each)!);
}

/** Sum of squares of each row of an array; an array of one axis has one element per row. */
function squaresOfRows(writer: FunctionWriter, x: Value): Value {
  const rows = x.shape.findIndex((side) => side > 1);
  const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== rows);
  const squares = writer.apply('stablehlo.multiply', [x, x]);
  return writer.reshape(writer.reduce(squares, 'add', axes, writer.number(0)), [x.shape[rows] ?? 1]);
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

/** 0 if all values are finite, else NaN. */
export function finiteAsNumber(writer: FunctionWriter, x: Value): Value {
  const flat = writer.reshape(x, [x.shape.reduce((size, side) => size * side, 1)]);
  return writer.apply(
    'stablehlo.select',
    [allFinite(writer, flat), writer.number(0), writer.number(Number.NaN)],
    writer.number(0),
  );
}

export function scalarAt(writer: FunctionWriter, numbers: Value, index: number): Value {
  const one = writer.write(`stablehlo.slice ${numbers.name} [${index}:${index + 1}]`, [numbers], {
    shape: [1],
    type: 'f32',
  });
  return writer.reshape(one, []);
}

/** min(1, clip / (norm + 1e-6)), as in torch.nn.utils.clip_grad_norm_; 1 without a clip. */
export function clipScale(
  writer: FunctionWriter,
  squares: readonly Value[],
  clip: number | undefined,
): Value {
  if (clip === undefined) return writer.number(1);
  const total = writer.reduce(concatenate(writer, squares), 'add', [0], writer.number(0));
  const norm = writer.apply('stablehlo.add', [
    writer.apply('stablehlo.sqrt', [total]),
    writer.number(CLIP_EPSILON),
  ]);
  const ratio = writer.apply('stablehlo.divide', [writer.number(clip), norm]);
  return writer.apply('stablehlo.minimum', [writer.number(1), ratio]);
}
