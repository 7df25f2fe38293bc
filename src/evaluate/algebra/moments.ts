import { dot } from './vectors.ts';

/** Rows of numbers, [count, width], one after another. */
export interface Rows {
  readonly values: Float64Array;
  readonly count: number;
  readonly width: number;
}

/** The rows with these numbers, in this order. */
export function chosenRows({ values, width }: Rows, chosen: ArrayLike<number>): Rows {
  const rows = new Float64Array(chosen.length * width);
  for (let i = 0; i < chosen.length; i++)
    rows.set(values.subarray(chosen[i]! * width, (chosen[i]! + 1) * width), i * width);
  return { values: rows, count: chosen.length, width };
}

/** Rows minus their mean. */
export function centred({ values, count, width }: Rows): Rows {
  const mean = meanOf({ values, count, width });
  const shifted = values.slice(0, count * width);
  for (let i = 0, at = 0; i < count; i++) for (let j = 0; j < width; j++, at++) shifted[at]! -= mean[j]!;
  return { values: shifted, count, width };
}

/** Mean of the rows, [width]. */
export function meanOf({ values, count, width }: Rows): Float64Array {
  const mean = new Float64Array(width);
  for (let i = 0, at = 0; i < count; i++) for (let j = 0; j < width; j++, at++) mean[j]! += values[at]!;
  for (let j = 0; j < width; j++) mean[j]! /= count;
  return mean;
}

/** Sums of products of all pairs of columns, rowsᵀ · rows: [width, width]. Four rows at once, as the result may not fit a cache. */
export function columnProducts({ values, count, width }: Rows): Float64Array {
  const sums = new Float64Array(width * width);
  const row = (i: number) =>
    i < count ? values.subarray(i * width, (i + 1) * width) : new Float64Array(width);
  for (let i = 0; i < count; i += 4) {
    const [a, b, c, d] = [row(i), row(i + 1), row(i + 2), row(i + 3)] as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    for (let j = 0; j < width; j++) {
      const [p, q, r, s] = [a[j]!, b[j]!, c[j]!, d[j]!];
      for (let k = j, at = j * width + j; k < width; k++, at++)
        sums[at]! += p * a[k]! + q * b[k]! + r * c[k]! + s * d[k]!;
    }
  }
  for (let j = 0; j < width; j++) for (let k = 0; k < j; k++) sums[j * width + k] = sums[k * width + j]!;
  return sums;
}

/** Sums of products of all pairs of rows, rows · rowsᵀ: [count, count]. */
export function rowProducts({ values, count, width }: Rows): Float64Array {
  const sums = new Float64Array(count * count);
  for (let i = 0; i < count; i++)
    for (let j = 0; j <= i; j++) {
      const sum = dot(values, i * width, values, j * width, width);
      sums[i * count + j] = sum;
      sums[j * count + i] = sum;
    }
  return sums;
}
