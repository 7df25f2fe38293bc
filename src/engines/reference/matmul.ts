import type { Tensor } from '../../graph/tensor.ts';
import { broadcastStrides, offsets } from './data.ts';
import type { KernelOf } from './kernel.ts';

export const matmul: KernelOf<'matmul'> = ({ inputs: [a, b], outputs: [y], attributes }, [dataA, dataB]) => {
  const { transposeA, transposeB, alpha } = attributes;
  const [m, n] = y.shape.slice(-2) as [number, number];
  const k = a.shape.at(transposeA ? -2 : -1)!;
  const [rowA, innerA] = transposeA ? [1, m] : [k, 1];
  const [innerB, columnB] = transposeB ? [1, k] : [n, 1];
  const batch = y.shape.slice(0, -2);
  const startsOf = (x: Tensor, size: number) =>
    offsets(batch, broadcastStrides(x.shape.slice(0, -2), batch)).map((matrix) => matrix * size);
  const startsA = startsOf(a, m * k);
  const startsB = startsOf(b, k * n);
  const out = new Float64Array(startsA.length * m * n);
  startsA.forEach((startA, matrix) => {
    const startB = startsB[matrix]!;
    for (let i = 0; i < m; i++) {
      const row = (matrix * m + i) * n;
      for (let l = 0; l < k; l++) {
        const factor = alpha * dataA[startA + i * rowA + l * innerA]!;
        for (let j = 0; j < n; j++)
          out[row + j] = out[row + j]! + factor * dataB[startB + l * innerB + j * columnB]!;
      }
    }
  });
  return out;
};
