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
  /** Peak learning rates for a batch of 256, scaled by batchSize / 256; a head is trained with each. */
  readonly learningRates: readonly number[];
  readonly epochs: number;
  /** Epochs of linear warm-up from 0; a cosine to 0 follows. */
  readonly warmupEpochs: number;
  readonly batchSize: number;
  readonly seed: number;
}

/** Where a probe is trained, and who is told. */
export interface ProbeFit {
  readonly engine: Engine;
  /** Number of classes. */
  readonly classes: number;
  /** Called before the first update with the updates that are made already. */
  readonly onStart?: ((step: number) => Promise<void>) | undefined;
  readonly onEpoch?: (epoch: number, at: ProbeEpoch) => void | Promise<void>;
  readonly signal?: AbortSignal | undefined;
  /** Keeps the states of trainings, so that an interrupted one goes on. Default: none is kept. */
  readonly keeper?: { next(): TrainingKeeper } | undefined;
}

/** Milliseconds from one state that is kept to the next. */
const KEPT_EVERY = 30_000;

/** How things stand after an epoch. */
export interface ProbeEpoch {
  /** Updates so far. */
  readonly step: number;
  /** Mean of the epoch's losses, of each head. */
  readonly losses: readonly number[];
  /** The first head's learning rate in the last update. */
  readonly lr: number;
}

/** How heads are trained on so many images. */
export function probeSettings(
  config: LinprobeConfig,
  images: number,
  learningRates: readonly number[],
): ProbeSettings {
  const { optimizer, epochs, warmupEpochs, seed } = config;
  return { optimizer, epochs, warmupEpochs, seed, learningRates, batchSize: probeBatch(config, images) };
}

/** Updates of an epoch and of all; the last batch is dropped where it is not full. */
export function probeSteps(
  { batchSize, epochs }: Pick<ProbeSettings, 'batchSize' | 'epochs'>,
  images: number,
) {
  const stepsPerEpoch = Math.floor(images / batchSize);
  return { stepsPerEpoch, lastStep: stepsPerEpoch * epochs };
}

/**
 * Trains linear heads on features as MAE does it (He et al., arXiv 2111.06377, appendix A.1): batch norm without weights,
 * LARS without decay (or SGD), momentum 0.9, learning rate × batch / 256 with warm-up and cosine by step. Every epoch takes
 * another order. The same seed gives the same heads. Returns them with the batch norm folded in: they take features as they
 * are. Throws RunError when there are fewer rows than a batch has; rejects with the signal's reason, after the state was kept.
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
 * The same on several sets of as many rows, side by side: each gives what it would give alone.
 * @param rates learning rates of each set's heads, as many for each
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
      `a probe's batch must have 2 images or more, and no more than the ${count} there are, got ${batchSize}`,
    );
  const { stepsPerEpoch, lastStep } = probeSteps({ batchSize, epochs }, count);
  const warmupSteps = Math.round(warmupEpochs * stepsPerEpoch);
  const schedule = { peak: scaledPeak(1, batchSize), warmupSteps, totalSteps: lastStep, floor: 0 };
  const stacked = { momentum: 0.9, rates: rates.flat() };
  const rule = optimizer === 'lars' ? lars({ ...stacked, trust: 0.001 }) : sgd(stacked);
  const start = firstWeights(rng(seed, 'probe'), (features.length / count) * classes);
  const heads = rates[0]!.length;
  const kept = keeper?.next();
  const found = await kept?.read();
  let { epoch, batch } = found ?? { epoch: 0, batch: 0 };
  let losses = [...(found?.losses ?? stacked.rates.map(() => 0))];
  const step = () => epoch * stepsPerEpoch + batch;
  const from = found && { ...found, step: step() };
  const trainer = await ProbeTrainer.open({ engine, rule, sets, classes, heads, start, batchSize, from });
  let nextKept = performance.now() + KEPT_EVERY;
  const keep = async () => {
    await kept!.write({ epoch, batch, losses, ...(await trainer.state()) });
    nextKept = performance.now() + KEPT_EVERY;
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
        if (!kept) signal?.throwIfAborted();
        const running = trainer.update(ahead, learningRate(step(), schedule));
        const due = kept && (signal?.aborted || performance.now() > nextKept);
        batch++;
        if (!due) ahead = prepare(); // while the engine works
        for (const [i, loss] of (await running).entries()) losses[i]! += loss / stepsPerEpoch;
        if (!due) continue;
        await keep(); // the batch norms have seen no further batch
        signal?.throwIfAborted();
        ahead = prepare();
      }
      const lr = learningRate(step() - 1, schedule) * stacked.rates[0]!;
      await onEpoch?.(epoch + 1, { step: step(), losses, lr });
    }
    if (kept && found?.epoch !== epochs) await keep();
    return await trainer.heads();
  } finally {
    await trainer.dispose();
  }
}

/** Normal of deviation 0.01, as MAE's. */
function firstWeights(random: Rng, size: number): Float32Array {
  return Float32Array.from({ length: size }, () => 0.01 * random.normal(0));
}
