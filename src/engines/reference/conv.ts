import { sizeOf } from '../../graph/tensor.ts';
import type { KernelOf } from './kernel.ts';

type Sides4 = [number, number, number, number];
type Sides5 = [number, number, number, number, number];

export const filterBank: KernelOf<'filterBank'> = (
  { inputs, outputs: [y], attributes: { padding } },
  [x, filters],
) => {
  const [batch, inChannels, height, width] = inputs[0].shape as Sides4;
  const [, outChannels, , k, l] = inputs[1].shape as Sides5;
  const [, , outHeight, outWidth] = y.shape as Sides4;
  const out = new Float64Array(sizeOf(y.shape));
  let at = 0;
  for (let b = 0; b < batch; b++)
    for (let o = 0; o < outChannels; o++)
      for (let i = 0; i < outHeight; i++)
        for (let j = 0; j < outWidth; j++) {
          let sum = 0;
          for (let c = 0; c < inChannels; c++)
            for (let u = 0; u < k; u++)
              for (let v = 0; v < l; v++) {
                const row = i + u - padding[0];
                const column = j + v - padding[1];
                if (row < 0 || row >= height || column < 0 || column >= width) continue;
                const pixel = x[((b * inChannels + c) * height + row) * width + column]!;
                sum += pixel * filters[(((b * outChannels + o) * inChannels + c) * k + u) * l + v]!;
              }
          out[at++] = sum;
        }
  return out;
};
