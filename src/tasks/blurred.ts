import { add, conv, reshape } from '../graph/index.ts';
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
    const side = filterSide(context);
    const margin = [(side - 1) / 2, (side - 1) / 2] as const;
    const [batch, channels, ...image] = view.shape as [number, number, number, number];
    // One convolution, with a group of channels for each image.
    const images = reshape(view, [1, batch * channels, ...image]);
    const filters = reshape(weight!, [batch * channels, channels, side, side]);
    const filtered = conv(images, filters, { padding: [margin, margin], groups: batch });
    return add(reshape(filtered, view.shape), reshape(bias!, [batch, channels, 1, 1]));
  },
};

/** 7 pixels for images whose shorter side has 96 or more, else 3. */
const filterSide = ({ image }: Geometry) => (Math.min(...image) >= 96 ? 7 : 3);
