import { type Rle, Runs } from './rle.ts';

/**
 * The mask whose pixel (x, y) is that of the column `columns[x]` and the row `rows[y]` of a mask: resized by the nearest pixel, cut,
 * mirrored. Costs as much as it has runs and columns, not pixels.
 * @param columns a column of the mask for each new column, −1 for an empty one
 * @param rows a row of the mask for each new row, never less than the one before; −1 for empty ones at the top and the bottom
 */
export function resampleRle(mask: Rle, columns: Int32Array, rows: Int32Array): Rle {
  const [height] = mask.size;
  const firsts = firstRows(rows, height);
  const { starts, from, to } = byColumn(mask);
  const runs = new Runs();
  for (let x = 0; x < columns.length; x++) {
    const column = columns[x]!;
    if (column < 0) continue;
    for (let k = starts[column]!; k < starts[column + 1]!; k++)
      runs.add(x * rows.length + firsts[from[k]!]!, x * rows.length + firsts[to[k]!]!);
  }
  return runs.end([rows.length, columns.length]);
}

/** For each row of a mask, and one behind the last: the first new row that comes from it or a later one. */
function firstRows(rows: Int32Array, height: number): Int32Array {
  let [begin, end] = [0, rows.length];
  while (begin < end && rows[begin]! < 0) begin++;
  while (end > begin && rows[end - 1]! < 0) end--;
  const firsts = new Int32Array(height + 1);
  for (let row = 0, y = begin; row <= height; row++) {
    while (y < end && rows[y]! < row) y++;
    firsts[row] = y;
  }
  return firsts;
}

/** The runs of ones of each column, as rows `from` … `to` − 1; those of column x are at `starts[x]` … `starts[x + 1]` − 1. */
function byColumn({ size: [height, width], counts }: Rle): {
  starts: Int32Array;
  from: number[];
  to: number[];
} {
  const starts = new Int32Array(width + 1);
  const from: number[] = [];
  const to: number[] = [];
  let column = 0;
  for (let i = 1, at = counts[0] ?? 0; i < counts.length; i += 2) {
    const end = at + counts[i]!;
    while (at < end) {
      const x = Math.floor(at / height);
      while (column < x) starts[++column] = from.length;
      const stop = Math.min(end, (x + 1) * height);
      from.push(at - x * height);
      to.push(stop - x * height);
      at = stop;
    }
    at = end + (counts[i + 1] ?? 0);
  }
  while (column < width) starts[++column] = from.length;
  return { starts, from, to };
}
