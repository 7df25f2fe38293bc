import type { Dataset } from '../data/sources/dataset.ts';
import type { Setup, ViewOptions } from '../run/setup-pretrain.ts';
import type { Evaluator } from './evaluator.ts';

/**
 * Yields `heldOutLoss`, the mean loss of held-out images: central crops, with the same draws every time.
 * @param options batch size and images; the padding of the last batch does not count
 */
export function heldOutLoss(setup: Setup, dataset: Dataset, options: ViewOptions): Evaluator {
  const { loss } = setup.programs(options.batchSize);
  return {
    name: 'held-out loss',
    async *run(session, { signal, onProgress } = {}) {
      let sum = 0;
      let count = 0;
      let seen = 0;
      for await (const batch of setup.evaluationViews(dataset, 'task', options)) {
        signal?.throwIfAborted();
        const { losses } = await session.run(loss, setup.inputs(batch));
        batch.weights.forEach((weight, i) => {
          if (weight > 0) sum += weight * losses![i]!;
          count += weight;
        });
        seen = Math.min(dataset.length, seen + batch.weights.length);
        onProgress?.(seen, dataset.length);
      }
      yield ['heldOutLoss', sum / count];
    },
  };
}
