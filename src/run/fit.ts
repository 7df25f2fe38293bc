import { totalmem } from 'node:os';
import { type Sized, trainingBytes } from '../config/cost.ts';
import { devicesOf } from '../config/engine.ts';
import type { OwnTasks } from '../tasks/own.ts';
import { plural } from '../text/plural.ts';
import type { RunConfig } from './kind.ts';

/** Updates of an epoch that a batch which does not fit the images is cut down to give. */
const UPDATES = 4;

/** The part of the machine's memory that a step may take. */
const SHARE_OF_MEMORY = 0.5;

/**
 * The settings of a new run with a batch that fits its images and micro-batches that fit the machine's memory, and a line for
 * each setting that changed. A batch larger than the images becomes the largest power of two that gives four updates an epoch.
 * @param images number of training images
 * @param memory of the machine, in bytes
 * @param own tasks of the user's own
 * @param ranks processes that share a batch: all of them, and those on this machine
 */
export function fitBatch<C extends RunConfig & Sized>(
  config: C,
  images: number,
  memory = totalmem(),
  own?: OwnTasks,
  { size, localSize }: { readonly size: number; readonly localSize: number } = { size: 1, localSize: 1 },
): { readonly config: C; readonly notes: readonly string[] } {
  const { training, engine } = config;
  const notes: string[] = [];
  let { batchSize, microBatch } = training;
  if (batchSize > images) {
    batchSize = 2 ** Math.floor(Math.log2(Math.max(1, images / UPDATES)));
    microBatch = 0;
    notes.push(
      `batch of ${plural(batchSize, 'image')}: ${training.batchSize} do not fit the ${plural(images, 'training image')} (--batch-size N sets another)`,
    );
  }
  // An accelerator has other memory; a given micro-batch stays.
  if (microBatch === 0 && engine.name !== 'xla') {
    const bytes = trainingBytes(config, own);
    const most = Math.max(1, Math.floor((SHARE_OF_MEMORY * memory) / localSize / bytes));
    const share = Math.ceil(batchSize / size);
    const fitting = largestDivisor(share, most);
    if (share > most && (batchSize / fitting) % devicesOf(engine) === 0) {
      microBatch = fitting;
      notes.push(
        `micro-batches of ${plural(fitting, 'image')}: ${share} at once would take about ${Math.round((bytes * share) / 1e9)} GB ` +
          '(--set training.microBatch=N sets another number)',
      );
    }
  }
  if (notes.length === 0) return { config, notes };
  return { config: { ...config, training: { ...training, batchSize, microBatch } }, notes };
}

function largestDivisor(of: number, most: number): number {
  let divisor = Math.min(of, most);
  while (of % divisor !== 0) divisor--;
  return divisor;
}
