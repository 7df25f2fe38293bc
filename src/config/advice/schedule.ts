import { plural } from '../../text/plural.ts';
import { type Advised, type ImageFacts, type MachineFacts, MEASURED, TRIED } from './facts.ts';

/** Share of the time that updates may take; the rest is for loading, held-out losses and judging. */
export const SHARE = 0.8;
/** Updates below which a model has learned little, and above which a larger one is worth its time. */
export const [FEW, MANY] = [1_000, 10_000];
const LIGHTLY = "lightly-train's table of epochs by images";
const FIRST_RUN = 'docs/reproduction.md, The first run';

/** Most passes by the number of images. */
export function mostEpochs(images: number): number {
  if (images < 100_000) return 2000;
  return images < 1_000_000 ? 500 : images < 10_000_000 ? 200 : 100;
}

/** Images of an update: a power of two with four updates an epoch or more, but of 16 images where there are as many. */
export function batchFor(images: number, { accelerator }: MachineFacts): number {
  const most = Math.min(accelerator ? 1024 : 128, Math.max(images / 4, Math.min(16, images)));
  return 2 ** Math.max(0, Math.floor(Math.log2(most)));
}

/** Updates of some passes. Images that do not fill a last batch wait for the next pass. */
export function updatesOf(epochs: number, images: number, batchSize: number): number {
  return epochs * Math.max(1, Math.floor(images / batchSize));
}

/**
 * Seconds that an image takes. An accelerator computes while cores read; on a CPU both take all cores in turn.
 * @param flops of a step, per image
 */
export function secondsPerImage(flops: number, { readSeconds }: ImageFacts, machine: MachineFacts): number {
  const computing = flops / machine.flops;
  return machine.accelerator ? Math.max(computing, readSeconds) : computing + readSeconds;
}

/** Passes that fit the time, at least one. @param each seconds that an image takes */
export function epochsFor(images: number, each: number, seconds: number): number {
  const affordable = Math.floor((SHARE * seconds) / (each * images));
  return Math.max(1, Math.min(mostEpochs(images), affordable));
}

/** Batch below which the rate of an update shrinks no further. */
const SMALL_BATCH = 64;

/**
 * Peak learning rate for a batch of 256, which training scales by the batch: the fewer the updates, the higher; lower for wide models;
 * for small batches so high that their updates have the rate of a batch of 64.
 */
function rateFor(updates: number, width: number, batchSize: number): number {
  const rate = updates < 2_000 ? 4e-3 : updates < 20_000 ? 2e-3 : updates < 100_000 ? 1e-3 : 5e-4;
  return (
    ((width > 400 ? rate / 4 : width > 200 ? rate / 2 : rate) * Math.max(SMALL_BATCH, batchSize)) / batchSize
  );
}

/** Facts that a schedule is chosen by. */
export interface ScheduleFacts {
  readonly facts: ImageFacts;
  readonly machine: MachineFacts;
  /** Training images, those held out left aside. */
  readonly train: number;
  readonly batchSize: number;
  readonly epochs: number;
  readonly width: number;
  /** Words for the time: `1 h`. */
  readonly time: string;
  /** True if there are images to judge on. */
  readonly judged: boolean;
  /** True if training starts with weights of a file. */
  readonly continues: boolean;
}

/** Batch, epochs, rate and warm-up with their reasons. */
export function scheduleFor(given: ScheduleFacts): Advised[] {
  const { train, batchSize, epochs, machine, width, time, continues } = given;
  const updates = updatesOf(epochs, train, batchSize);
  const limited = epochs === mostEpochs(train);
  const rate = continues
    ? Number(((1e-4 * 256) / batchSize).toPrecision(2))
    : rateFor(updates, width, batchSize);
  return [
    {
      setting: 'training.batchSize',
      value: batchSize,
      reason: machine.accelerator
        ? 'an accelerator is faster with large batches'
        : `on a CPU smaller batches give more updates in the time; ${plural(updatesOf(1, train, batchSize), 'update')} an epoch`,
      source: `${FIRST_RUN}: batches of 32 to 128 beside 256`,
    },
    {
      setting: 'training.epochs',
      value: epochs,
      reason: limited
        ? `more passes over ${plural(train, 'image')} repeat what is known`
        : `${plural(updates, 'update')} in about ${time} at ${Math.round(machine.flops / 1e9)} GFLOP/s`,
      source: limited ? LIGHTLY : machine.how,
    },
    {
      setting: 'training.learningRate',
      value: rate,
      reason: continues
        ? `1e-4 at a batch of ${batchSize}: the weights are to be adapted, not learned again`
        : `${plural(updates, 'update')}: short trainings learn more at higher rates, wide models need lower ones${batchSize < SMALL_BATCH ? `; an update of ${plural(batchSize, 'image')} has the rate of one of ${SMALL_BATCH}` : ''}`,
      source: continues
        ? 'MAE, arXiv 2111.06377, and a tenth of its rate'
        : `${FIRST_RUN}; MAE, arXiv 2111.06377`,
    },
    {
      setting: 'training.warmupEpochs',
      value: Number((epochs / 20).toPrecision(2)),
      reason: 'a twentieth of the training',
      source: 'MAE, arXiv 2111.06377: 40 of 800 epochs',
    },
    ...evaluationFor(given),
  ];
}

/** Images below which a training learns them by heart before its time is over. */
const BY_HEART = 1_000;

function evaluationFor({ facts, train, epochs, judged }: ScheduleFacts): Advised[] {
  return [
    ...(Math.min(train, facts.images) < BY_HEART && !facts.tested && judged
      ? [
          {
            setting: 'evaluation.best',
            value: 'heldOutLoss',
            reason: 'so few images are learned by heart: the weights with the lowest held-out loss are kept',
            source: TRIED,
          },
        ]
      : []),
    ...(facts.labelled
      ? [
          {
            setting: 'evaluation.knnEvery',
            value: epochs,
            reason: 'the images have classes: features are judged before and after',
            source: MEASURED,
          },
        ]
      : []),
    ...(epochs > 100
      ? [
          {
            setting: 'evaluation.every',
            value: Math.ceil(epochs / 50),
            reason: 'fifty held-out losses and pictures: one for each of these short epochs would take long',
            source: MEASURED,
          },
          {
            setting: 'evaluation.panelEvery',
            value: Math.ceil(epochs / 50),
            reason: 'label-free measures fifty times, for the same reason',
            source: MEASURED,
          },
        ]
      : []),
  ];
}
