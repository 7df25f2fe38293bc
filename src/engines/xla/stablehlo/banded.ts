import { constantData } from '../../../graph/operations/source.ts';
import { sizeOf, type Tensor } from '../../../graph/tensor.ts';
import type { Value } from './values.ts';
import type { FunctionWriter } from './writer.ts';

/**
 * A constant matrix with few adjacent non-zero numbers per row, such as a matrix for resizing by area. Both lists are
 * by tap, then by row.
 */
export interface Band {
  /** Column of each row's first number, second number, … */
  readonly columns: readonly Int32Array[];
  /** The numbers; 0 for rows with fewer. */
  readonly weights: readonly Float32Array[];
}

/** Matrices with more numbers per row use a product. */
const MOST_TAPS = 4;

/**
 * The band of a matrix or of its transpose; undefined if the matrix is not constant or has too many numbers per row.
 */
export function bandOf(matrix: Tensor, transposed: boolean): Band | undefined {
  const data = constantData(matrix);
  if (!(data instanceof Float32Array) || matrix.shape.length !== 2) return;
  const [height, width] = matrix.shape as [number, number];
  const [rows, columns] = transposed ? [width, height] : [height, width];
  const at = (row: number, column: number) =>
    data[transposed ? column * width + row : row * width + column] ?? 0;
  const filled = Array.from({ length: rows }, (_, row) => {
    let [first, end] = [0, 0];
    for (let column = 0; column < columns; column++)
      if (at(row, column) !== 0) [first, end] = [end === 0 ? column : first, column + 1];
    return { first, end };
  });
  const most = Math.max(0, ...filled.map(({ first, end }) => end - first));
  if (most === 0 || most > MOST_TAPS) return;
  const taps = Array.from({ length: most }, (_, tap) => tap);
  return {
    columns: taps.map((tap) => Int32Array.from(filled, ({ first }) => Math.min(first + tap, columns - 1))),
    weights: taps.map((tap) =>
      Float32Array.from(filled, ({ first, end }, row) => (first + tap < end ? at(row, first + tap) : 0)),
    ),
  };
}

/**
 * A banded matrix times `x` along `axis`, as a weighted sum of gathers. XLA fuses it with its neighbours into one
 * pass. A product would write its result, and often a transpose of it, to memory.
 */
export function bandProduct(writer: FunctionWriter, band: Band, x: Value, axis: number): Value {
  const [before, side, after] = around(x, axis);
  const flat = writer.reshape(x, [sizeOf(x.shape)]);
  const rows = band.columns[0]!.length;
  const shape = [before, rows, after];
  const along = (value: Value, type: Value['type']) =>
    writer.write(`stablehlo.broadcast_in_dim ${value.name}, dims = [1]`, [value], { shape, type });
  const length = writer.broadcast(writer.constant(Int32Array.of(side * after), [], 'i32'), shape);
  const start = writer.apply('stablehlo.add', [
    writer.apply('stablehlo.multiply', [writer.iota(shape, 0), length]),
    writer.iota(shape, 2),
  ]);
  const terms = band.columns.map((columns, tap) => {
    const offsets = writer.constant(
      columns.map((column) => column * after),
      [rows],
      'i32',
    );
    const taken = take(writer, flat, writer.apply('stablehlo.add', [start, along(offsets, 'i32')]));
    const weights = writer.convert(writer.constant(band.weights[tap]!, [rows], 'f32'), x.type);
    return writer.apply('stablehlo.multiply', [taken, along(weights, x.type)]);
  });
  const sum = terms.reduce((total, term) => writer.apply('stablehlo.add', [total, term]));
  return writer.reshape(sum, x.shape.with(axis, rows));
}

/** Product of the sides before an axis, its side, and the product of the sides after it. */
function around({ shape }: Value, axis: number): [number, number, number] {
  return [sizeOf(shape.slice(0, axis)), shape[axis]!, sizeOf(shape.slice(axis + 1))];
}

/**
 * Gathers single numbers by offset; the result has the shape of `offsets`. A gather of rows would make the gathered
 * axis outermost.
 */
function take(writer: FunctionWriter, flat: Value, offsets: Value): Value {
  const size = sizeOf(offsets.shape);
  const indices = writer.reshape(offsets, [size, 1]);
  const text =
    `"stablehlo.gather"(${flat.name}, ${indices.name}) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0], ` +
    'start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1>}>';
  const taken = writer.write(text, [flat, indices], { shape: [size], type: flat.type });
  return writer.reshape(taken, offsets.shape);
}
