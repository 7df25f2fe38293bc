import { sizeOf } from '../../graph/tensor.ts';
import type { KernelOf } from './kernel.ts';

type Sides = [number, number, number, number];

export const conv: KernelOf<'conv'> = (
  { inputs: [{ shape }, { shape: filterShape }], outputs: [y], attributes },
  [x, filters],
) => {
  const { strides, padding, inputDilation, filterDilation, groups } = attributes;
  const [, inChannels, height, width] = shape as Sides;
  const [, channels, k, l] = filterShape as Sides;
  const [batch, outChannels, outHeight, outWidth] = y.shape as Sides;
  /** Input position under a tap of a result; undefined for an inserted zero. */
  const place = (axis: number, side: number, result: number, tap: number) => {
    const at = (result * strides[axis] + tap * filterDilation[axis] - padding[axis][0]) / inputDilation[axis];
    return Number.isInteger(at) && at >= 0 && at < side ? at : undefined;
  };
  const out = new Float64Array(sizeOf(y.shape));
  let to = 0;
  for (let b = 0; b < batch; b++)
    for (let o = 0; o < outChannels; o++) {
      const firstChannel = Math.floor(o / (outChannels / groups)) * channels;
      for (let i = 0; i < outHeight; i++)
        for (let j = 0; j < outWidth; j++) {
          let sum = 0;
          for (let u = 0; u < k; u++)
            for (let v = 0; v < l; v++) {
              const [row, column] = [place(0, height, i, u), place(1, width, j, v)];
              if (row === undefined || column === undefined) continue;
              for (let c = 0; c < channels; c++) {
                const pixel = x[((b * inChannels + firstChannel + c) * height + row) * width + column]!;
                sum += pixel * filters[((o * channels + c) * k + u) * l + v]!;
              }
            }
          out[to++] = sum;
        }
    }
  return out;
};
