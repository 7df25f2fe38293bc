import { parseLinprobeConfig } from '../../config/linprobe-schema.ts';
import type { Engine } from '../../engines/engine.ts';
import type { Watch } from '../evaluator.ts';
import type { LabelledFeatures } from '../knn/knn.ts';
import { bestRate, scoreRates } from './choose-rate.ts';
import { linearAccuracy } from './linear-accuracy.ts';
import { probeSettings, trainProbe } from './train-probe.ts';

/** Learning rates for a batch of 256. On CIFAR-10, features need 20 to 50, raw pixels 5 to 10. */
const RATES = [5, 10, 20, 50];
const BATCH = 128;
/** Ten epochs of 10,000 images: seconds instead of MAE's minutes. More updates gain at most one point. */
const UPDATES = 780;
const MOST_EPOCHS = 100;
/** With fewer rows, none can be held out to choose the learning rate. */
const FEWEST = 5;

/**
 * Top-1 accuracy on `test`, in [0, 1], of a brief linear probe: `trainProbe` on `train` with the learning rate that scores best on a
 * tenth of it. Undefined for fewer than 5 rows. The same seed gives the same score. Rejects with the signal's reason.
 * @param watch its `onProgress` is called with the epochs done and their total
 */
export async function linearScore(
  engine: Engine,
  train: LabelledFeatures,
  test: LabelledFeatures,
  seed: number,
  { onProgress, signal }: Watch = {},
): Promise<number | undefined> {
  const count = train.labels.length;
  if (count < FEWEST) return undefined;
  const batchSize = Math.min(BATCH, Math.floor(0.9 * count));
  const epochs = Math.min(MOST_EPOCHS, Math.ceil(UPDATES / Math.floor(count / batchSize)));
  const schedule = { epochs, warmupEpochs: epochs / 10, learningRates: RATES };
  const config = parseLinprobeConfig({ ...schedule, batchSize, seed });
  const classes = 1 + Math.max(...new Set(train.labels), ...new Set(test.labels));
  const fit = { engine, classes, signal };
  // Choosing the rate takes as many epochs as training, or a few times as many with cross-validation.
  const [scores] = await scoreRates([train], config, {
    ...fit,
    onProgress: (done, total) => onProgress?.(epochs * (done / total), 2 * epochs),
  });
  const best = bestRate(scores!)!;
  const heads = await trainProbe(train, probeSettings(config, count, [best]), {
    ...fit,
    onEpoch: (epoch) => onProgress?.(epochs + epoch, 2 * epochs),
  });
  const [accuracy] = await linearAccuracy(engine, heads, test);
  return accuracy!.top1;
}
