import { randomResizedCrop } from '../data/decode/crop.ts';
import { DataError } from '../data/error.ts';
import { trainingBatches } from '../data/load/loader.ts';
import { openDataset } from '../data/sources/open.ts';

const [WARM_UP, MEASURED] = [500, 2000];

/**
 * Images per second on CIFAR-10, from the cache to batches of random crops; undefined if the cache does not have it.
 */
export async function loaderRate(): Promise<number | undefined> {
  try {
    const dataset = await openDataset('cifar10');
    const settings = { batchSize: 256, size: [32, 32], channels: 3, seed: 0 } as const;
    const batches = trainingBatches(dataset, { ...settings, crop: randomResizedCrop() });
    const begin = performance.now();
    let [images, start] = [0, 0];
    for await (const _ of batches) {
      const now = performance.now();
      if (start > 0) images += settings.batchSize;
      else if (now - begin > WARM_UP) start = now;
      if (start > 0 && now - start > MEASURED) return (1000 * images) / (now - start);
    }
    return undefined;
  } catch (error) {
    if (error instanceof DataError) return undefined;
    throw error;
  }
}
