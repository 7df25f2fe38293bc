import { autoencoderParameters } from '../../models/autoencoder.ts';
import type { AutoencoderConfig } from '../../models/config.ts';
import type { OwnTasks } from '../../tasks/own.ts';
import { withOwnTarget } from '../../tasks/own.ts';
import { plural } from '../../text/plural.ts';
import { roughTime } from '../../text/rough-time.ts';
import { stepFlops, trainingBytes } from '../cost.ts';
import { ConfigError } from '../error.ts';
import { mergeSettings } from '../merge.ts';
import { type Config, type ConfigInput, parseConfig } from '../schema.ts';
import { valueAt } from '../walk.ts';
import {
  type AdviceOptions,
  type Advised,
  type ImageFacts,
  isSmall,
  type MachineFacts,
  MEASURED,
  type StartFacts,
} from './facts.ts';
import { geometryFor, SIZES } from './geometry.ts';
import { notesFor } from './notes.ts';
import { batchFor, epochsFor, MANY, scheduleFor, secondsPerImage, updatesOf } from './schedule.ts';

/** Settings for images, with reasons and costs. */
export interface Advice {
  /** The complete settings: those given, those advised, and defaults. */
  readonly config: Config;
  /** Advised settings, without given ones. */
  readonly settings: ConfigInput;
  readonly reasons: readonly Advised[];
  readonly notes: readonly string[];
  readonly updates: number;
  /** Estimated time of training. */
  readonly seconds: number;
  /** Estimated memory of a step with its weights and optimizer. */
  readonly bytes: number;
}

/** Chooses settings of pre-training for images on a machine. Throws ConfigError where given settings are wrong. */
export function adviseSettings(facts: ImageFacts, machine: MachineFacts, options: AdviceOptions): Advice {
  const { given = {}, start, own } = options;
  if (start) requireWidth(start, given);
  const share = facts.tested ? 0 : heldOutFor(facts);
  const heldOut = facts.tested ? [] : [heldOutAdvice(share, facts.images)];
  const kept = facts.tested ? 0 : Number(valueAt(given, ['data', 'heldOut']) ?? share);
  const all = Math.max(1, facts.files - Math.round(kept * facts.files));
  const train = Math.min(all, Number(valueAt(given, ['data', 'trainImages'])) || all);
  const batchSize = Number(valueAt(given, ['training', 'batchSize']) ?? batchFor(train, machine));
  const complete = (reasons: readonly Advised[]) =>
    parseConfig(
      mergeSettings(UNSCHEDULED, settingsOf(reasons), given, start ? { from: start.path } : {}),
      own,
    );
  const model = start
    ? startReasons(start, facts, given.model?.channels)
    : [...dataReasons(facts, given), ...sizeReasons(facts, machine, options, train, batchSize, complete)];
  const flops = stepFlops(complete(model), own);
  const each = secondsPerImage(flops, facts, machine);
  const epochs = Number(valueAt(given, ['training', 'epochs']) ?? epochsFor(train, each, options.seconds));
  const { width } = complete(model).model;
  const time = roughTime(train * epochs * each);
  const schedule = scheduleFor({
    ...{ facts, machine, train, batchSize, epochs, width, time, continues: start !== undefined },
    judged: facts.tested || kept > 0,
  });
  const reasons = [...model, ...heldOut, ...schedule, ...precisionAdvice(machine)].filter(
    ({ setting }) => valueAt(given, setting.split('.')) === undefined,
  );
  const config = complete(reasons);
  const { updates, seconds } = costOf(config, train, secondsPerImage(stepFlops(config, own), facts, machine));
  return {
    ...{ config, settings: settingsOf(reasons), reasons, updates, seconds },
    notes: notesFor({ facts, machine, updates, seconds, train, options, flops, config }),
    bytes: bytesOf(config, own),
  };
}

/** Until epochs are chosen, no warm-up is longer than them. */
const UNSCHEDULED = { training: { warmupEpochs: 0 } };

/** Settings from their paths. */
function settingsOf(reasons: readonly Advised[]): ConfigInput {
  const each = reasons.map(({ setting, value }) =>
    setting.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value),
  );
  return mergeSettings(...(each as object[]));
}

/** Updates, and the seconds that they take: those of all epochs, unless `maxSteps` ends them earlier. @param each seconds that an image takes */
function costOf({ training }: Config, train: number, each: number): Pick<Advice, 'updates' | 'seconds'> {
  const { epochs, batchSize, maxSteps } = training;
  const scheduled = updatesOf(epochs, train, batchSize);
  const updates = Math.min(scheduled, maxSteps || scheduled);
  return { updates, seconds: (updates / scheduled) * train * epochs * each };
}

/** Activations of a batch, and four numbers for each weight: itself, its gradient, two moments. */
function bytesOf(config: Config, own?: OwnTasks): number {
  const { batchSize, microBatch } = config.training;
  const model = withOwnTarget<AutoencoderConfig>(config.model, own?.targets);
  const weights = autoencoderParameters(model).reduce(
    (sum, { shape }) => sum + shape.reduce((size, side) => size * side, 1),
    0,
  );
  return trainingBytes(config, own) * (microBatch || batchSize) + 16 * weights;
}

/** The largest size whose training has many updates in the time; the smallest one otherwise. */
function sizeReasons(
  facts: ImageFacts,
  machine: MachineFacts,
  { seconds, own, given = {} }: AdviceOptions,
  train: number,
  batchSize: number,
  complete: (reasons: readonly Advised[]) => Config,
): readonly Advised[] {
  for (const size of SIZES) {
    const isLast = size === SIZES.at(-1);
    if (Math.min(train, facts.images) < size.images) continue;
    const why = isLast
      ? `the smallest size: a larger one makes fewer than ${MANY.toLocaleString('en-US')} updates in the time, or has few images to learn from`
      : `the largest size that makes ${MANY.toLocaleString('en-US')} updates in the time`;
    const reasons = geometryFor(facts, size, why, given.model);
    const flops = stepFlops(complete([...dataReasons(facts, given), ...reasons]), own);
    const epochs = epochsFor(train, secondsPerImage(flops, facts, machine), seconds);
    if (isLast || updatesOf(epochs, train, batchSize) >= MANY) return reasons;
  }
  throw new RangeError('there must be a size for any number of images');
}

/** Correlation of adjacent pixels within patches below which they are taken for noise. */
const NOISE = 0.55;

function statisticsReasons({ mean, std }: ImageFacts): Advised[] {
  const rounded = (values: readonly number[]) => values.map((value) => Number(value.toFixed(4)));
  const source =
    'facebookresearch/mae, issue 179: grey images came back bluish with the statistics of others';
  return [
    { setting: 'data.mean', value: rounded(mean), reason: "the images' own mean", source },
    {
      setting: 'data.std',
      value: rounded(std.map((value) => Math.max(value, 0.01))),
      reason: "the images' own standard deviation",
      source,
    },
  ];
}

function dataReasons(facts: ImageFacts, given: ConfigInput): Advised[] {
  const { channels, blockCorrelation } = facts;
  const stated = (['mean', 'std'] as const).find((key) => given.data?.[key] !== undefined);
  return [
    {
      setting: 'model.channels',
      value: channels,
      reason: stated
        ? `as many as data.${stated} has values`
        : channels === 1
          ? 'no image shows a colour'
          : channels === 3
            ? 'the images have colours'
            : `the images have ${channels} bands`,
      source: MEASURED,
    },
    ...statisticsReasons(facts),
    ...(blockCorrelation < NOISE
      ? [
          {
            setting: 'model.target',
            value: 'none',
            reason: `adjacent pixels of a patch correlate by ${blockCorrelation.toFixed(2)}: most patches hold noise, which normalised patches would amplify`,
            source: 'ReScience C 2023, doi 10.5281/zenodo.8173751: pixels as they are beat normalised ones',
          },
        ]
      : []),
    ...(isSmall(facts)
      ? [
          {
            setting: 'task.name',
            value: 'masked',
            reason:
              'on small images, features for kNN and linear probes are better than with masked+zoomed-in',
            source: 'docs/reproduction.md, CIFAR-10: what each degradation teaches; docs/advise.md, Tried',
          },
          {
            setting: 'data.scale',
            value: [0.5, 1],
            reason: 'small images lose their objects in small crops',
            source: 'ReScience C 2023, doi 10.5281/zenodo.8173751: no crops beat random resized ones',
          },
          {
            setting: 'data.evaluationCrop',
            value: 1,
            reason: 'small images are judged whole',
            source: MEASURED,
          },
        ]
      : []),
  ];
}

/** Sizes of an encoder that its weights fix. */
const FIXED = [
  ...(['image', 'patch', 'channels', 'width', 'depth', 'heads', 'mlpRatio'] as const),
  ...(['classToken', 'positions', 'epsilon'] as const),
];

/** Throws ConfigError for a width that fits no weight of the encoder: training would start with random ones. */
function requireWidth({ path, model }: StartFacts, given: ConfigInput): void {
  const width = given.model?.width ?? model.width;
  if (width !== model.width)
    throw new ConfigError(
      `a model that starts with weights must have their width, got model.width=${width} and ${path} of width ${model.width}: ` +
        'leave out model.width, or the weights (--init-from)',
    );
}

/** Sizes and normalisation of a file of weights: what it was trained with. */
function startReasons(start: StartFacts, facts: ImageFacts, channels?: number): Advised[] {
  const { model, mean, std, range, evaluationCrop, source, task } = start;
  const { decoder, target } = model;
  const hasStatistics = mean.length === (channels ?? model.channels);
  const parts = {
    ...Object.fromEntries(FIXED.map((key) => [`model.${key}`, model[key]])),
    ...(typeof target === 'string' && { 'model.target': target }),
    ...(decoder &&
      Object.fromEntries(Object.entries(decoder).map(([key, value]) => [`model.decoder.${key}`, value]))),
    ...(hasStatistics && { 'data.mean': [...mean], 'data.std': [...std] }),
    'data.range': range && [...range],
    'data.evaluationCrop': evaluationCrop,
    'task.name': task.name,
    'task.maskRatio': task.maskRatio,
  };
  const reasons = Object.entries(parts)
    .filter(([, value]) => value !== undefined)
    .map(([setting, value]) => ({
      setting,
      value,
      reason: 'as the weights were trained',
      source: `weights of ${source}`,
    }));
  return hasStatistics ? reasons : [...reasons, ...statisticsReasons(facts)];
}

function precisionAdvice({ precision, accelerator }: MachineFacts): Advised[] {
  if (accelerator || precision !== 'bf16') return [];
  return [
    {
      setting: 'engine.precision',
      value: precision,
      reason: 'this CPU multiplies bfloat16, which is faster than float32',
      source: 'docs/reproduction.md: losses over three seeds were 0.2 % apart, linear scores 0.4 points',
    },
  ];
}

/** None of a single image; where most images are broken, a share that leaves both parts one that can be read. */
function heldOutFor({ images, files, heldOut: [fewest, most] = [1, files - 1] }: ImageFacts): number {
  if (images < 2) return 0;
  const share = images >= 5_000 ? 0.02 : images >= 1_000 ? 0.05 : 0.1;
  const usual = Math.max(1, Math.round(share * files));
  const count = Math.min(most, Math.max(fewest, usual));
  return count === usual ? share : Number((count / files).toPrecision(6));
}

function heldOutAdvice(share: number, images: number): Advised {
  return {
    setting: 'data.heldOut',
    value: share,
    reason:
      share === 0
        ? 'a single image can be read: it is trained on'
        : `${plural(Math.max(1, Math.round(share * images)), 'image')} to judge on, never trained on`,
    source: MEASURED,
  };
}
