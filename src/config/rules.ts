import { devicesOf, type EngineSettings } from './engine.ts';
import { ConfigError } from './error.ts';

/** A rule over several settings: true if it holds, its text, and the values. */
export type Rule = readonly [holds: boolean, rule: string, got: readonly unknown[]];

/** Throws ConfigError for the first rule that does not hold. */
export function requireAll(rules: readonly Rule[]): void {
  for (const [holds, rule, got] of rules)
    if (!holds) throw new ConfigError(`${rule}, got ${got.join(' and ')}`);
}

/** The settings that the shared rules read. */
interface Shared {
  readonly data: { readonly mean: readonly number[]; readonly std: readonly number[] };
  readonly model: {
    readonly image: readonly [number, number];
    readonly patch: number;
    readonly channels: number;
    readonly width: number;
    readonly heads: number;
  };
  readonly training: {
    readonly batchSize: number;
    readonly microBatch: number;
    readonly epochs: number;
    readonly warmupEpochs: number;
  };
  readonly engine: EngineSettings;
}

/** Rules over data, encoder, training and engine that hold for every kind of training. */
export function sharedRules({ data, model, training, engine }: Shared): Rule[] {
  const { image, patch, channels, width, heads } = model;
  const micro = microBatchOf(training);
  const devices = devicesOf(engine);
  return [
    [
      training.batchSize % micro === 0,
      'training.batchSize must be a multiple of training.microBatch (--batch-size N, --set training.microBatch=N)',
      [training.batchSize, training.microBatch],
    ],
    [
      (training.batchSize / micro) % devices === 0,
      'training.batchSize / training.microBatch must be a multiple of engine.devices (--set training.microBatch=...)',
      [`${training.batchSize} / ${micro}`, devices],
    ],
    [
      image.every((side) => side % patch === 0),
      'both sides of model.image must be multiples of model.patch',
      [`[${image}]`, patch],
    ],
    [
      training.warmupEpochs < training.epochs,
      'training.warmupEpochs must be fewer than training.epochs (--set training.warmupEpochs=...)',
      [training.warmupEpochs, training.epochs],
    ],
    [width % heads === 0, 'model.width must be a multiple of model.heads', [width, heads]],
    [
      data.mean.length === channels && data.std.length === channels,
      'data.mean and data.std must have a value for each of model.channels',
      [`[${data.mean}]`, `[${data.std}]`, channels],
    ],
    [data.std.every((s) => s > 0), 'data.std must be above 0', [`[${data.std}]`]],
  ];
}

/**
 * Adapts a recipe's micro-batch to another batch size, unless the settings give a micro-batch. Among the divisors of the batch that
 * give each device a whole number of micro-batches, it takes the one with the ratio nearest to 1 to the recipe's. Undefined: no change.
 */
export function fittingMicroBatch(
  { microBatch: wanted }: Pick<Shared['training'], 'microBatch'>,
  given: { readonly batchSize?: unknown; readonly microBatch?: unknown } | undefined,
  devices: unknown = 1,
): number | undefined {
  const batch = Number(given?.batchSize);
  if (given?.microBatch !== undefined || wanted === 0 || !(Number.isInteger(batch) && batch > 0))
    return undefined;
  const divisors = Array.from({ length: batch }, (_, i) => i + 1).filter(
    (micro) => batch % micro === 0 && (batch / micro) % Number(devices) === 0,
  );
  const apart = (micro: number) => Math.abs(Math.log(micro / wanted));
  return divisors.sort((a, b) => apart(a) - apart(b))[0];
}

type Batches = Pick<Shared['training'], 'batchSize' | 'microBatch'>;

/** The number of images computed at once. @param ranks number of processes that share a batch */
export function microBatchOf({ batchSize, microBatch }: Batches, ranks = 1): number {
  const share = batchSize / ranks;
  return microBatch === 0 ? share : Math.min(microBatch, share);
}

/** The number of micro-batches of a rank in an update. Throws ConfigError unless all ranks have the same number. */
export function microBatchesOf(training: Batches, ranks = 1): number {
  const { batchSize } = training;
  const share = batchSize / ranks;
  const micro = microBatchOf(training, ranks);
  requireAll([
    [
      Number.isInteger(share),
      `training.batchSize must be a multiple of the number of ranks (--batch-size ${Math.ceil(share) * ranks})`,
      [batchSize, ranks],
    ],
    [
      share % micro === 0,
      `a rank's share of training.batchSize must be a multiple of training.microBatch (--set training.microBatch=${share})`,
      [`${batchSize} / ${ranks}`, micro],
    ],
  ]);
  return share / micro;
}

const PYRAMID_SCALES: readonly number[] = [4, 2, 1, 0.5];

/** True for scales of a pyramid of maps: some of 4, 2, 1 and 0.5, falling. */
export const arePyramidScales = (scales: readonly number[]): boolean =>
  scales.every((scale, i) => PYRAMID_SCALES.includes(scale) && !(scale >= scales[i - 1]!));
