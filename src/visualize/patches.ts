import { checkPlanes, type Planes } from './image.ts';

/** How a target's patches are normalised: each channel on its own (the paper), all values together (MAE), not. */
export type PatchNormalisation = 'channel' | 'patch' | 'none';

/**
 * How the values of a patch are ordered: 'channels-last' (pixel row, pixel column, channel) as in the paper, in MAE
 * and in files; 'channels-first' (channel, pixel row, pixel column).
 */
export type PatchOrder = 'channels-last' | 'channels-first';

/** Per patch and channel: target = (x − mean) / scale. Both are [N, channels]. */
export interface PatchStatistics {
  readonly channels: number;
  readonly mean: Float32Array;
  readonly scale: Float32Array;
}

/**
 * Cuts an image into patches: [N, patchSize² · channels], patches row by row. Throws a RangeError when the
 * patches do not cover the image.
 */
export function patchify(
  image: Planes,
  patchSize: number,
  order: PatchOrder = 'channels-last',
): Float32Array {
  checkPlanes(image);
  if (!(patchSize >= 1) || image.height % patchSize || image.width % patchSize)
    throw new RangeError(
      `patches of ${patchSize} pixels must cover the image, got ${image.height}x${image.width}`,
    );
  const patches = new Float32Array(image.data.length);
  forEachValue(image, patchSize, order, (inImage, inPatches) => {
    patches[inPatches] = image.data[inImage]!;
  });
  return patches;
}

/** The inverse of {@link patchify}; `grid` is [rows, columns] of patches. */
export function unpatchify(
  patches: Float32Array,
  grid: readonly [number, number],
  patchSize: number,
  channels: number,
  order: PatchOrder = 'channels-last',
): Planes {
  const [height, width] = [grid[0] * patchSize, grid[1] * patchSize];
  if (patches.length !== channels * height * width)
    throw new RangeError(
      `${grid[0]}x${grid[1]} patches of ${patchSize}x${patchSize}x${channels} must hold as many values, got ${patches.length}`,
    );
  const image = { channels, height, width, data: new Float32Array(patches.length) };
  forEachValue(image, patchSize, order, (inImage, inPatches) => {
    image.data[inImage] = patches[inPatches]!;
  });
  return image;
}

/**
 * Mean and scale of each patch of an image in [0, 1], with the unbiased (n − 1) variance. 'channel' (Beyond
 * Masking): standard deviation + 1e-6 over the patch's pixels of one channel. 'patch' (MAE): √(variance + 1e-6)
 * over all its values. 'none': mean 0, scale 1.
 */
export function patchStatistics(image: Planes, patchSize: number, kind: PatchNormalisation): PatchStatistics {
  const { channels } = image;
  const patches = patchify(image, patchSize);
  const length = patchSize * patchSize * channels;
  const count = patches.length / length;
  const mean = new Float32Array(count * channels);
  const scale = new Float32Array(count * channels).fill(1);
  for (let n = 0; kind !== 'none' && n < count; n++) {
    const patch = patches.subarray(n * length, (n + 1) * length);
    for (let c = 0; c < channels; c++) {
      const values = kind === 'channel' ? patch.filter((_, i) => i % channels === c) : patch;
      const average = values.reduce((sum, x) => sum + x, 0) / values.length;
      // a patch of one value has no spread
      const variance =
        values.reduce((sum, x) => sum + (x - average) ** 2, 0) / Math.max(1, values.length - 1);
      mean[n * channels + c] = average;
      scale[n * channels + c] = kind === 'channel' ? Math.sqrt(variance) + 1e-6 : Math.sqrt(variance + 1e-6);
    }
  }
  return { channels, mean, scale };
}

/**
 * Takes predicted patches [N, patchSize² · channels] back to the image's values with the statistics of the
 * target: x · scale + mean. Throws a RangeError when the number of patches differs.
 */
export function denormalisePatches(
  prediction: Float32Array,
  { channels, mean, scale }: PatchStatistics,
  order: PatchOrder = 'channels-last',
): Float32Array {
  const count = mean.length / channels;
  const length = prediction.length / count;
  const pixels = length / channels;
  if (!Number.isInteger(pixels))
    throw new RangeError(
      `the prediction must hold ${count} patches of ${channels} channels, got ${prediction.length} values`,
    );
  return prediction.map((value, i) => {
    const within = i % length;
    const channel = order === 'channels-last' ? within % channels : Math.floor(within / pixels);
    const at = Math.floor(i / length) * channels + channel;
    return value * scale[at]! + mean[at]!;
  });
}

/** Visits the values of all patches in turn, with their places in an image [channels, height, width]. */
function forEachValue(
  { channels, height, width }: Omit<Planes, 'data'>,
  patchSize: number,
  order: PatchOrder,
  visit: (inImage: number, inPatches: number) => void,
): void {
  const pixels = patchSize * patchSize;
  const columns = width / patchSize;
  const length = pixels * channels;
  for (let i = 0; i < channels * height * width; i++) {
    const [patch, within] = [Math.floor(i / length), i % length];
    const channel = order === 'channels-last' ? within % channels : Math.floor(within / pixels);
    const pixel = order === 'channels-last' ? Math.floor(within / channels) : within % pixels;
    const y = Math.floor(patch / columns) * patchSize + Math.floor(pixel / patchSize);
    const x = (patch % columns) * patchSize + (pixel % patchSize);
    visit((channel * height + y) * width + x, i);
  }
}
