import { plural } from '../../text/plural.ts';
import { XlaError } from './pjrt/error.ts';
import type { MemoryNeed } from './pjrt/executable.ts';

/**
 * Throws XlaError, with the number of images at once that would fit, if a step exceeds a device's memory. Assumes
 * that only temporary memory grows with the number of images.
 */
export function checkMemory(
  need: MemoryNeed | undefined,
  device: { readonly limit: number } | undefined,
  images: number,
): void {
  if (!need || !device) return;
  const lasting = need.arguments + need.outputs - need.aliased;
  const all = lasting + need.temporary;
  if (all <= device.limit) return;
  const fits = Math.floor((images * (device.limit - lasting)) / Math.max(1, need.temporary));
  const advice =
    fits >= 1
      ? `about ${plural(fits, 'image')} at once would fit: training.microBatch=${fits} or less, a divisor of training.batchSize`
      : 'not even one image at once would fit: a smaller model or a larger device is needed';
  throw new XlaError(
    `a step must fit into the device's memory of ${gigabytes(device.limit)}, got ${gigabytes(all)} for ${plural(images, 'image')}; ${advice}`,
  );
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
