import { type LinprobeConfig, probeBatch } from '../../config/linprobe-schema.ts';
import type { Engine } from '../../engines/engine.ts';
import { lars } from '../../optim/lars.ts';
import { learningRate, scaledPeak } from '../../optim/schedule.ts';
import { sgd } from '../../optim/sgd.ts';
import { type Rng, rng } from '../../random/rng.ts';
import { RunError } from '../../run/error.ts';
import type { LabelledFeatures } from '../knn/knn.ts';
import type { LinearHead } from './batch-norm.ts';
import type { TrainingKeeper } from './kept-trainings.ts';
import { ProbeTrainer } from './probe-trainer.ts';

/** How a probe is trained. */
export interface ProbeSettings {
  readonly optimizer: 'lars' | 'sgd';
  /** Peak learning rates for a batch of 256, scaled by batchSize / 256. One head is trained with each. */
  readonly learningRates: readonly number[];
  readonly epochs: number;
  /** Epochs of linear warm-up from 0; a cosine to 0 follows. */
  readonly warmupEpochs: number;
  readonly batchSize: number;
  readonly seed: number;
}

/** The engine, callbacks and storage of a probe's training. */
export interface ProbeFit {
  readonly engine: Engine;
  /** Number of classes. */
  readonly classes: number;
  /** Called before the first update with the number of updates made before an interruption. */
  readonly onStart?: ((step: number) => Promise<void>) | undefined;
  readonly onEpoch?: (epoch: number, at: ProbeEpoch) => void | Promise<void>;
  readonly signal?: AbortSignal | undefined;
  /** Saves the states of trainings, so that they can be resumed. Default: none is saved. */
  readonly keeper?: { next(): TrainingKeeper } | undefined;
}

/** Milliseconds between saved states. */
const SAVE_EVERY = 30_000;

/** Progress after an epoch. */
export interface ProbeEpoch {
  /** Updates so far. */
  readonly step: number;
  /** Mean loss of the epoch, for each head. */
  readonly losses: readonly number[];
  /** The first head's learning rate in the last update. */
  readonly lr: number;
}

/** The settings for training heads on `images` images. */
export function probeSettings(
  config: LinprobeConfig,
  images: number,
  learningRates: readonly number[],
): ProbeSettings {
  const { optimizer, epochs, warmupEpochs, seed } = config;
  return { optimizer, epochs, warmupEpochs, seed, learningRates, batchSize: probeBatch(config, images) };
}

/** Updates per epoch and in total. An incomplete last batch is dropped. */
export function probeSteps(
  { batchSize, epochs }: Pick<ProbeSettings, 'batchSize' | 'epochs'>,
  images: number,
) {
  const stepsPerEpoch = Math.floor(images / batchSize);
  return { stepsPerEpoch, lastStep: stepsPerEpoch * epochs };
}

/**
 * Trains linear heads on features as MAE does it (He et al., arXiv 2111.06377, appendix A.1): batch norm without weights,
 * LARS without decay (or SGD), momentum 0.9, learning rate × batch / 256 with warm-up and cosine by step. Every epoch is
 * shuffled. The same seed gives the same heads. Returns them with the batch norm folded in, so that they take raw features.
 * Throws RunError for fewer rows than a batch. Rejects with the signal's reason after saving the state.
 */
export async function trainProbe(
  train: LabelledFeatures,
  settings: ProbeSettings,
  fit: ProbeFit,
): Promise<LinearHead[]> {
  const [heads] = await trainSets([train], [settings.learningRates], settings, fit);
  return heads!;
}

/**
 * Trains heads on several sets side by side, with the same results as separately. All sets have the same number of rows.
 * @param rates learning rates of each set's heads, the same number for each set
 */
export async function trainSets(
  sets: readonly LabelledFeatures[],
  rates: readonly (readonly number[])[],
  { optimizer, epochs, warmupEpochs, batchSize, seed }: Omit<ProbeSettings, 'learningRates'>,
  { engine, classes, onStart, onEpoch, signal, keeper }: ProbeFit,
): Promise<LinearHead[][]> {
  const { features, labels } = sets[0]!;
  const count = labels.length;
  if (batchSize > count || batchSize < 2)
    throw new RunError(
      `a probe's batch must have from 2 images to all ${count}, got ${batchSize}: set batchSize`,
    );
  const { stepsPerEpoch, lastStep } = probeSteps({ batchSize, epochs }, count);
  const warmupSteps = Math.round(warmupEpochs * stepsPerEpoch);
  const schedule = { peak: scaledPeak(1, batchSize), warmupSteps, totalSteps: lastStep, floor: 0 };
  const stacked = { momentum: 0.9, rates: rates.flat() };
  const rule = optimizer === 'lars' ? lars({ ...stacked, trust: 0.001 }) : sgd(stacked);
  const start = firstWeights(rng(seed, 'probe'), (features.length / count) * classes);
  const heads = rates[0]!.length;
  const store = keeper?.next();
  const saved = await store?.read();
  let { epoch, batch } = saved ?? { epoch: 0, batch: 0 };
  let losses = [...(saved?.losses ?? stacked.rates.map(() => 0))];
  const step = () => epoch * stepsPerEpoch + batch;
  const from = saved && { ...saved, step: step() };
  const trainer = await ProbeTrainer.open({ engine, rule, sets, classes, heads, start, batchSize, from });
  let nextSave = performance.now() + SAVE_EVERY;
  const save = async () => {
    await store!.write({ epoch, batch, losses, ...(await trainer.state()) });
    nextSave = performance.now() + SAVE_EVERY;
  };
  try {
    await onStart?.(step());
    for (; epoch < epochs; epoch++, batch = 0, losses = losses.map(() => 0)) {
      const order = rng(seed, 'probe', epoch + 1).permutation(count);
      const prepare = () =>
        batch < stepsPerEpoch
          ? trainer.prepare(order.slice(batch * batchSize, (batch + 1) * batchSize))
          : undefined;
      for (let ahead = prepare(); ahead; ) {
        if (!store) signal?.throwIfAborted();
        const running = trainer.update(ahead, learningRate(step(), schedule));
        const due = store && (signal?.aborted || performance.now() > nextSave);
        batch++;
        if (!due) ahead = prepare(); // while the engine computes
        for (const [i, loss] of (await running).entries()) losses[i]! += loss / stepsPerEpoch;
        if (!due) continue;
        await save(); // no further batch was prepared, so the batch norms match
        signal?.throwIfAborted();
        ahead = prepare();
      }
      const lr = learningRate(step() - 1, schedule) * stacked.rates[0]!;
      await onEpoch?.(epoch + 1, { step: step(), losses, lr });
    }
    if (store && saved?.epoch !== epochs) await save();
    return await trainer.heads();
  } finally {
    await trainer.dispose();
  }
}

/** Normally distributed with standard deviation 0.01, as in MAE. */
function firstWeights(random: Rng, size: number): Float32Array {
  return Float32Array.from({ length: size }, () => 0.01 * random.normal(0));
}
