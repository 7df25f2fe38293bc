import type { NodeOf, PrimitiveName } from '../../graph/signatures.ts';
import { type Shape, sizeOf } from '../../graph/tensor.ts';
import type { ModelWriter } from './model-writer.ts';
import type { RuleOf } from './rule.ts';

/** An operation with another name in ONNX. */
const same =
  (opType: string): RuleOf<PrimitiveName> =>
  (writer, _, inputs) =>
    writer.node(opType, inputs);

const reduce =
  (opType: string): RuleOf<'sum' | 'max'> =>
  (writer, { attributes: { axes } }, [x]) =>
    writer.node(opType, [x, writer.int64(axes)], { keepdims: 1 });

/** Each primitive in ONNX (opset 21). */
export const rules: { readonly [N in PrimitiveName]: RuleOf<N> } = {
  add: same('Add'),
  sub: same('Sub'),
  mul: same('Mul'),
  div: same('Div'),
  maximum: same('Max'),
  minimum: same('Min'),
  neg: same('Neg'),
  exp: same('Exp'),
  log: same('Log'),
  sqrt: same('Sqrt'),
  abs: same('Abs'),
  sign: same('Sign'),
  floor: same('Floor'),
  erf: same('Erf'),
  sum: reduce('ReduceSum'),
  max: reduce('ReduceMax'),
  cast: (writer, { attributes: { dtype } }, [x]) => writer.cast(x, dtype),
  reshape: (writer, { attributes: { shape } }, [x]) => reshape(writer, x, shape),
  broadcast: (writer, { attributes: { shape } }, [x]) => writer.node('Expand', [x, writer.int64(shape)]),
  transpose: (writer, { attributes: { permutation } }, [x]) =>
    writer.node('Transpose', [x], { perm: permutation }),
  concat: (writer, { attributes: { axis } }, inputs) => writer.node('Concat', inputs, { axis }),
  slice: (writer, { inputs: [x], attributes: { starts, ends } }, [name]) => {
    const axes = x.shape
      .map((_, axis) => axis)
      .filter((axis) => starts[axis] !== 0 || ends[axis] !== x.shape[axis]);
    const at = (sides: number[]) => writer.int64(axes.map((axis) => sides[axis]!));
    return writer.node('Slice', [name, at(starts), at(ends), writer.int64(axes)]);
  },
  reverse: (writer, { attributes: { axes } }, [x]) => {
    const each = (value: number) => writer.int64(axes.map(() => value));
    const beforeFirst = -(2 ** 31);
    return writer.node('Slice', [x, each(-1), each(beforeFirst), writer.int64(axes), each(-1)]);
  },
  pad: (writer, { attributes: { before, after } }, [x]) =>
    writer.node('Pad', [x, writer.int64([...before, ...after])]),
  matmul: (writer, node, [a, b]) => matmul(writer, node, a, b),
  gather: (writer, { inputs: [x, indices], outputs: [y] }, [data, at]) => {
    const [batch, rows] = x.shape as [number, number];
    const width = sizeOf(x.shape.slice(2));
    const flat = reshape(writer, data, [batch * rows, width]);
    const taken = writer.node('Gather', [flat, absoluteRows(writer, at, indices.shape[0]!, batch, rows)], {
      axis: 0,
    });
    return reshape(writer, taken, y.shape);
  },
  scatterAdd: (writer, { inputs: [x], outputs: [y], attributes: { rows } }, [data, indices]) => {
    // A product with a one-hot matrix sums in fixed order, whatever the number of threads.
    const [batch, count] = x.shape as [number, number];
    const numbers = writer.constant(
      Int32Array.from({ length: rows }, (_, row) => row),
      [rows, 1],
      'i32',
    );
    const hit = writer.node('Equal', [numbers, reshape(writer, indices, [batch, 1, count])]);
    const flat = reshape(writer, data, [batch, count, sizeOf(x.shape.slice(2))]);
    return reshape(writer, writer.node('MatMul', [writer.cast(hit, 'f32'), flat]), y.shape);
  },
  invertPermutation: (writer, { inputs: [order] }, [name]) => {
    const [batch, count] = order.shape as [number, number];
    const places = Int32Array.from({ length: batch * count }, (_, i) => i % count);
    const zeros = writer.constant(new Int32Array(batch * count), order.shape, 'i32');
    return writer.node('ScatterElements', [zeros, name, writer.constant(places, order.shape, 'i32')], {
      axis: 1,
    });
  },
  conv: (writer, { inputs: [x, { shape }], attributes }, [image, filters]) => {
    const { strides, padding, inputDilation, filterDilation, groups } = attributes;
    const [[top, bottom], [left, right]] = padding;
    return writer.node('Conv', [spread(writer, x.shape, image, inputDilation), filters], {
      group: groups,
      kernel_shape: shape.slice(2),
      strides,
      dilations: filterDilation,
      pads: [top, left, bottom, right],
    });
  },
};

export function reshape(writer: ModelWriter, x: string, shape: Shape): string {
  return writer.node('Reshape', [x, writer.int64(shape)], { allowzero: 1 });
}

/** Inserts zeros between the pixels of an image. ONNX's Conv dilates filters only. */
function spread(writer: ModelWriter, shape: Shape, image: string, distances: readonly number[]): string {
  if (distances.every((distance) => distance === 1)) return image;
  const [batch, channels, height, width] = shape as [number, number, number, number];
  const [down, across] = distances as [number, number];
  const apart = reshape(writer, image, [batch, channels, height, 1, width, 1]);
  const after = [0, 0, 0, down - 1, 0, across - 1];
  const padded = writer.node('Pad', [apart, writer.int64([...after.map(() => 0), ...after])]);
  const whole = reshape(writer, padded, [batch, channels, height * down, width * across]);
  const ends = [(height - 1) * down + 1, (width - 1) * across + 1];
  return writer.node('Slice', [whole, writer.int64([0, 0]), writer.int64(ends), writer.int64([2, 3])]);
}

/** Indices into the concatenated rows of all samples. */
function absoluteRows(
  writer: ModelWriter,
  indices: string,
  samples: number,
  batch: number,
  rows: number,
): string {
  if (batch === 1) return indices;
  const first = Int32Array.from({ length: samples }, (_, sample) => sample * rows);
  return writer.node('Add', [indices, writer.constant(first, [samples, 1], 'i32')]);
}

function matmul(writer: ModelWriter, node: NodeOf<'matmul'>, a: string, b: string): string {
  const { transposeA, transposeB, alpha } = node.attributes;
  const { shape } = node.outputs[0];
  // onnxruntime's FusedMatMul rejects a batch axis of 0 next to one of 1.
  if (sizeOf(shape) === 0) return writer.constant(new Float32Array(0), shape, 'f32');
  const plain = shape.length === 2;
  // A separate transpose is cheap; a product of a transposed matrix runs at four fifths of the speed.
  if (transposeA && plain) {
    const [rows, columns] = node.inputs[0].shape as [number, number];
    // A last axis of 1 stops onnxruntime from fusing the two again.
    const column = writer.node('Transpose', [reshape(writer, a, [rows, columns, 1])], { perm: [1, 0, 2] });
    const transposed = reshape(writer, column, [columns, rows]);
    return product(writer, transposed, b, false, transposeB, alpha);
  }
  return product(writer, a, b, transposeA, transposeB, alpha);
}

function product(
  writer: ModelWriter,
  a: string,
  b: string,
  transA: boolean,
  transB: boolean,
  alpha: number,
): string {
  if (!transA && !transB && alpha === 1) return writer.node('MatMul', [a, b]);
  const attributes = { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } };
  return writer.microsoft('FusedMatMul', [a, b], attributes);
}
