import type { Dataset } from '../data/sources/dataset.ts';
import type { Setup, ViewOptions } from '../run/setup-pretrain.ts';
import type { Evaluator } from './evaluator.ts';

/** Smaller mean squared errors count as this one: no PSNR is above 100 dB. */
const LEAST = 1e-10;

/**
 * Evaluates held-out images: central crops, with the same draws every time. Yields `heldOutLoss`, their mean loss, and, of targets that can be
 * drawn, two peak signal-to-noise ratios in decibels: `psnr` of reconstructions, and `psnrOfMeans` of pictures whose patches are flat.
 *
 * Both show only what the model knows: of normalised patches, mean and standard deviation come from the encoder's input (see
 * `seenStatistics`), and the flat patches have the same means. They compare pixels that the encoder does not see (see `recoveryErrors`): those of removed
 * patches, and beyond a zoomed-in view; all pixels, where the task removes none. Each image counts with the mean squared error of its pixels,
 * clipped to [0, 1]; the PSNR is that of the mean over images.
 * @param options batch size and images; the padding of the last batch does not count
 */
export function heldOutScores(setup: Setup, dataset: Dataset, options: ViewOptions): Evaluator {
  const { heldOut } = setup.programs(options.batchSize);
  return {
    name: 'held-out loss',
    async *run(session, { signal, onProgress } = {}) {
      const names = Object.keys(heldOut.outputs);
      const sums = Object.fromEntries(names.map((name) => [name, 0]));
      let count = 0;
      let seen = 0;
      for await (const batch of setup.evaluationViews(dataset, 'task', options)) {
        signal?.throwIfAborted();
        const values = await session.run(heldOut, setup.inputs(batch));
        batch.weights.forEach((weight, i) => {
          if (weight > 0) for (const name of names) sums[name]! += weight * values[name]![i]!;
          count += weight;
        });
        seen = Math.min(dataset.length, seen + batch.weights.length);
        onProgress?.(seen, dataset.length);
      }
      yield ['heldOutLoss', sums.losses! / count];
      if (!names.includes('errors:model')) return;
      yield ['psnr', decibels(sums['errors:model']! / count)];
      yield ['psnrOfMeans', decibels(sums['errors:means']! / count)];
    },
  };
}

/** PSNR of a mean squared error of values in [0, 1]. */
function decibels(error: number): number {
  return -10 * Math.log10(Math.max(error, LEAST));
}
