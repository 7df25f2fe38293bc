import { add, filterBank, reshape } from '../graph/index.ts';
import type { Geometry } from '../image/size.ts';
import { plain } from './plain.ts';
import type { PretextTask } from './task.ts';

/** A random filter bank over all channels, with zeros around the image, and a random bias. */
export const blurred: PretextTask = {
  ...plain,
  name: 'blurred',
  summary: 'a random filter bank, which mixes neighbours and channels',
  draws: (geometry) => {
    const { channels } = geometry;
    const side = filterSide(geometry);
    return {
      weight: { shape: [channels, channels, side, side], dtype: 'f32' }, // out, in, row, column
      bias: { shape: [channels], dtype: 'f32' },
    };
  },
  draw: (rng, geometry) => {
    const { channels } = geometry;
    const size = filterSide(geometry) ** 2;
    const bound = 1 / Math.sqrt(channels * size);
    return {
      weight: Float32Array.from({ length: channels * channels * size }, () => rng.normal(1 / size, 0.02)),
      bias: Float32Array.from({ length: channels }, () => rng.uniform(-bound, bound)),
    };
  },
  degrade: (view, { weight, bias }, context) => {
    const margin = (filterSide(context) - 1) / 2;
    const [batch, channels] = view.shape as [number, number];
    return add(filterBank(view, weight!, [margin, margin]), reshape(bias!, [batch, channels, 1, 1]));
  },
};

/** 7 pixels for images whose shorter side has 96 or more, else 3. */
const filterSide = ({ image }: Geometry) => (Math.min(...image) >= 96 ? 7 : 3);
