import '../../graph/index.ts'; // registers the operations
import { type Attributes, type Node, operations, type Tensor, type TensorData } from '../../graph/tensor.ts';
import { narrow } from '../reference/data.ts';
import { evaluate } from '../reference/evaluate.ts';
import type { StorageType, View } from './view.ts';

/** A JavaScript loop for an operation without a oneDNN primitive. */
export type HostKernel = (
  inputs: readonly TensorData[],
  out: TensorData,
  views: readonly View[],
  outView: View,
  attributes: Attributes,
) => void;

/** Row length below which a loop copies faster than `set`. */
const FEW = 16;

export const hostKernels: Readonly<Record<string, HostKernel>> = {
  zero: (_, out) => {
    out.fill(0);
  },
  gather: ([x, indices], out, views, { shape: [samples, count, ...row] }) => {
    // x [B or 1, N, ...], indices [B, K] → [B, K, ...]
    const [batch, rows] = views[0]!.shape as [number, number];
    const width = row.reduce((a, b) => a * b, 1);
    for (let b = 0; b < samples!; b++)
      for (let k = 0; k < count!; k++) {
        const from = ((batch === 1 ? 0 : b) * rows + indices![b * count! + k]!) * width;
        const to = (b * count! + k) * width;
        // Creating a subarray of a few pixels costs more than copying them.
        if (width < FEW) for (let i = 0; i < width; i++) out[to + i] = x![from + i]!;
        else out.set(x!.subarray(from, from + width), to);
      }
  },
};

/** The kernel of an operation: a kernel of this file, else the reference's loops. */
export function hostKernel(name: string): HostKernel {
  return (
    hostKernels[name] ??
    ((inputs, out, views, outView, attributes) => {
      const operation = operations().get(name)!;
      const tensors = views.map(({ shape }, i) => ({ shape, dtype: views[i]!.dtype }) as Tensor);
      const node = { operation, attributes, inputs: tensors, outputs: [outView as unknown as Tensor] };
      const [result] = evaluate(node as unknown as Node, inputs);
      out.set(narrow(result!) as never);
    })
  );
}

/** Views bytes as values of a type. */
export function typed(bytes: Uint8Array, dtype: StorageType): TensorData {
  if (dtype === 'bf16') throw new Error('JavaScript loops cannot read bfloat16');
  if (dtype === 'u8') return bytes;
  const kind = dtype === 'f32' ? Float32Array : Int32Array;
  return new kind(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / 4);
}
