import { type Shape, sizeOf, type Tensor } from '../../graph/tensor.ts';
import { allocate, broadcastStrides, offsets, type ReferenceData, stridesOf } from './data.ts';
import type { Kernels } from './kernel.ts';

/** Gathers the output's elements from these offsets of the input. */
function take(data: ReferenceData, from: Int32Array, { dtype }: Tensor): ReferenceData {
  const out = allocate(dtype, from.length);
  from.forEach((place, i) => {
    out[i] = data[place]!;
  });
  return out;
}

/** Copies a block into `out` with its first element at `starts`. */
function put(out: ReferenceData, shape: Shape, block: ReferenceData, blockShape: Shape, starts: Shape): void {
  offsets(blockShape, stridesOf(shape), placeOf(starts, shape)).forEach((place, i) => {
    out[place] = block[i]!;
  });
}

/** Offset of the element with these indices. */
const placeOf = (indices: readonly number[], shape: Shape) =>
  stridesOf(shape).reduce((sum, stride, axis) => sum + stride * indices[axis]!, 0);

export const shape: Kernels<
  'reshape' | 'cast' | 'transpose' | 'broadcast' | 'slice' | 'reverse' | 'pad' | 'concat'
> = {
  reshape: (_, [data]) => data,
  cast: ({ outputs: [y] }, [data]) => {
    const out = allocate(y.dtype, data.length);
    data.forEach((value, i) => {
      out[i] = y.dtype === 'f32' ? value : Math.trunc(value);
    });
    return out;
  },
  transpose: ({ inputs: [x], outputs: [y], attributes: { permutation } }, [data]) => {
    const strides = stridesOf(x.shape);
    const permuted = permutation.map((axis: number) => strides[axis]);
    return take(data, offsets(y.shape, permuted), y);
  },
  broadcast: ({ inputs: [x], outputs: [y] }, [data]) =>
    take(data, offsets(y.shape, broadcastStrides(x.shape, y.shape)), y),
  slice: ({ inputs: [x], outputs: [y], attributes: { starts } }, [data]) =>
    take(data, offsets(y.shape, stridesOf(x.shape), placeOf(starts, x.shape)), y),
  reverse: ({ inputs: [x], outputs: [y], attributes: { axes } }, [data]) => {
    const last = x.shape.map((side, axis) => (axes.includes(axis) ? side - 1 : 0));
    const strides = stridesOf(x.shape).map((stride, axis) => (axes.includes(axis) ? -stride : stride));
    return take(data, offsets(y.shape, strides, placeOf(last, x.shape)), y);
  },
  pad: ({ inputs: [x], outputs: [y], attributes: { before } }, [data]) => {
    const out = allocate(y.dtype, sizeOf(y.shape));
    put(out, y.shape, data, x.shape, before);
    return out;
  },
  concat: ({ inputs, outputs: [y], attributes: { axis } }, data) => {
    const out = allocate(y.dtype, sizeOf(y.shape));
    let start = 0;
    inputs.forEach((x, i) => {
      const starts = x.shape.map((_, other) => (other === axis ? start : 0));
      put(out, y.shape, data[i]!, x.shape, starts);
      start += x.shape[axis]!;
    });
    return out;
  },
};
