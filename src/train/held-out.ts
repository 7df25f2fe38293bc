import type { Session } from '../backends/backend.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Setup, ViewOptions } from './setup.ts';

/**
 * Mean loss of images that are not trained on: central crops, the same draws every time.
 * @param options images of one run of the engine; the last run is filled up, which does not count
 */
export async function heldOutLoss(
  session: Session,
  setup: Setup,
  dataset: Dataset,
  options: ViewOptions,
): Promise<number> {
  const { loss } = setup.programs(options.batchSize);
  let sum = 0;
  let count = 0;
  for await (const batch of setup.evaluationViews(dataset, 'task', options)) {
    const { losses } = await session.run(loss, setup.inputs(batch));
    batch.weights.forEach((weight, i) => {
      if (weight > 0) sum += weight * losses![i]!;
      count += weight;
    });
  }
  return sum / count;
}
