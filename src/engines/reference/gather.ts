import { GraphError, type Node, type Shape, sizeOf } from '../../graph/tensor.ts';
import { allocate, type ReferenceData } from './data.ts';
import type { Kernels } from './kernel.ts';

const rowSize = (shape: Shape) => sizeOf(shape.slice(2));

/**
 * Calls `visit` with each sample, position in the indices, and index. Throws GraphError unless the index names one of
 * `rows` rows.
 */
function forEachIndex(
  { operation, inputs }: Node,
  position: number,
  indices: ReferenceData,
  rows: number,
  visit: (sample: number, k: number, index: number) => void,
): void {
  const count = inputs[position]!.shape[1]!;
  indices.forEach((index, i) => {
    if (index < 0 || index >= rows)
      throw new GraphError(`${operation.name}: indices must lie in [0, ${rows}), got ${index}`);
    visit(Math.floor(i / count), i % count, index);
  });
}

export const gather: Kernels<'gather' | 'scatterAdd' | 'invertPermutation'> = {
  gather: (node, [x, indices]) => {
    const { shape, dtype } = node.inputs[0];
    const [batch, rows] = shape as [number, number];
    const [, count] = node.inputs[1].shape as [number, number];
    const size = rowSize(shape);
    const out = allocate(dtype, sizeOf(node.outputs[0].shape));
    forEachIndex(node, 1, indices, rows, (sample, k, index) => {
      const from = ((batch === 1 ? 0 : sample) * rows + index) * size;
      out.set(x.subarray(from, from + size), (sample * count + k) * size);
    });
    return out;
  },
  scatterAdd: (node, [x, indices]) => {
    const [, rows] = node.outputs[0].shape as [number, number];
    const [, count] = node.inputs[1].shape as [number, number];
    const size = rowSize(node.inputs[0].shape);
    const out = new Float64Array(sizeOf(node.outputs[0].shape));
    forEachIndex(node, 1, indices, rows, (sample, k, index) => {
      const from = (sample * count + k) * size;
      const to = (sample * rows + index) * size;
      for (let i = 0; i < size; i++) out[to + i] = out[to + i]! + x[from + i]!;
    });
    return out;
  },
  invertPermutation: (node, [order]) => {
    const [, count] = node.inputs[0].shape as [number, number];
    const out = new Int32Array(order.length);
    forEachIndex(node, 0, order, count, (sample, k, index) => {
      out[sample * count + index] = k;
    });
    return out;
  },
};
