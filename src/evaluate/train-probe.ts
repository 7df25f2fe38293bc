import type { Backend } from '../backends/backend.ts';
import { lars } from '../optim/lars.ts';
import { learningRate, scaledPeak } from '../optim/schedule.ts';
import { sgd } from '../optim/sgd.ts';
import { type Rng, rng } from '../random/rng.ts';
import { RunError } from '../train/error.ts';
import type { LinearHead } from './batch-norm.ts';
import type { LabelledFeatures } from './knn.ts';
import { ProbeTrainer } from './probe-trainer.ts';

/** How a probe is trained. */
export interface ProbeSettings {
  readonly optimizer: 'lars' | 'sgd';
  /** Peak learning rates for a batch of 256, scaled by batchSize / 256; a head is trained with each. */
  readonly learningRates: readonly number[];
  readonly epochs: number;
  /** Epochs of linear warm-up from 0; a cosine to 0 follows. */
  readonly warmupEpochs: number;
  readonly batchSize: number;
  readonly seed: number;
}

/** After an epoch. */
export interface ProbeEpoch {
  readonly step: number;
  readonly epoch: number;
  /** Mean of the epoch's losses, of each head. */
  readonly losses: readonly number[];
  /** The last step's, for a rate of 1 and a batch of 256. */
  readonly lr: number;
  readonly trainer: ProbeTrainer;
}

/**
 * Trains linear heads on features as MAE does it (He et al., arXiv 2111.06377, appendix A.1): batch norm without weights,
 * LARS without decay or SGD, momentum 0.9, warm-up and cosine by step. Every epoch takes another order, and drops the last
 * batch if it is not full. The same seed gives the same heads. Returns them with the batch norm folded in, and the
 * number of updates. Throws RunError when there are fewer rows than a batch has.
 */
export async function trainProbe(
  backend: Backend,
  train: LabelledFeatures,
  classes: number,
  settings: ProbeSettings,
  {
    onEpoch,
    signal,
  }: { readonly onEpoch?: (at: ProbeEpoch) => Promise<void>; readonly signal?: AbortSignal } = {},
): Promise<LinearHead[]> {
  const { optimizer, learningRates: rates, epochs, warmupEpochs, batchSize, seed } = settings;
  const count = train.labels.length;
  if (batchSize > count || batchSize < 2)
    throw new RunError(
      `a batch must have 2 images or more and no more than the ${count} there are, got ${batchSize}`,
    );
  const stepsPerEpoch = Math.floor(count / batchSize);
  const schedule = {
    peak: scaledPeak(1, batchSize),
    warmupSteps: Math.round(warmupEpochs * stepsPerEpoch),
    totalSteps: epochs * stepsPerEpoch,
    floor: 0,
  };
  const rule = optimizer === 'lars' ? lars({ momentum: 0.9, trust: 0.001 }) : sgd({ momentum: 0.9 });
  const start = firstWeights(rng(seed, 'probe'), (train.features.length / count) * classes);
  const trainer = await ProbeTrainer.open({ backend, rule, train, classes, rates, start, batchSize });
  try {
    for (let step = 0, epoch = 1; epoch <= epochs; epoch++) {
      const order = rng(seed, 'probe', epoch).permutation(count);
      const losses = rates.map(() => 0);
      let lr = 0;
      for (let at = 0; at + batchSize <= count; at += batchSize) {
        signal?.throwIfAborted();
        lr = learningRate(step++, schedule);
        const batch = await trainer.step(order.slice(at, at + batchSize), lr);
        for (const [i, loss] of batch.entries()) losses[i]! += loss / stepsPerEpoch;
      }
      await onEpoch?.({ step, epoch, losses, lr: (lr * 256) / batchSize, trainer });
    }
    return await trainer.heads();
  } finally {
    await trainer.dispose();
  }
}

/** Normal of deviation 0.01, as MAE's. */
function firstWeights(random: Rng, size: number): Float32Array {
  return Float32Array.from({ length: size }, () => 0.01 * random.normal(0));
}
