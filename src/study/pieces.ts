import { stepFlops } from '../config/cost.ts';
import { ConfigError } from '../config/error.ts';
import { mergeConfig } from '../config/overrides.ts';
import type { Config, ConfigInput } from '../config/schema.ts';
import {
  type Arm,
  type Budget,
  type Group,
  pretrainConfig,
  pretrainSettings,
  SCRATCH,
  stretched,
} from './arms.ts';
import { studyJudges } from './judges.ts';
import type { ImageCounts, Piece } from './piece.ts';

export type { ImageCounts, Piece } from './piece.ts';

/** A cell of the study: what judges an arm of a seed under a budget. */
export interface Cell {
  readonly group: string;
  readonly budget: Budget;
  readonly arm: string;
  readonly seed: number;
  /** `kNN`, `linear`, `fine-tune 10 %`, `segment`, `detect`. */
  readonly judge: string;
  /** Ids of the model and of its judgement. */
  readonly model: string;
  readonly piece: string;
}

/** A cell with its pieces. */
export interface PlannedCell {
  readonly cell: Cell;
  readonly model: Piece;
  readonly judge: Piece;
}

/**
 * The cells of a group, seed by seed. At equal compute, pre-training lasts for as many epochs as cost what those of the first
 * pre-trained arm cost, and fine-tuning from scratch gets that cost in additional epochs; both rounded to whole epochs,
 * at least one. Throws ConfigError where a batch is larger than the images.
 */
export function planGroup(group: Group, imagesOf: (config: Config) => ImageCounts): PlannedCell[] {
  const reference = group.arms.find((arm) => arm.task !== SCRATCH);
  const seeds = [...new Set(group.arms.flatMap((arm) => arm.seeds))];
  return seeds.flatMap((seed) => {
    const first = reference && pretrainConfig(group, reference, seed);
    const cost = first ? pretrainUpdates(first, imagesOf(first).train) * updateFlops(first) : 0;
    return group.budgets.flatMap((budget) =>
      group.arms
        .filter((arm) => arm.seeds.includes(seed))
        .flatMap((arm) => {
          const config = pretrainConfig(group, arm, seed);
          const images = imagesOf(config);
          const allowance = budget === 'compute' ? cost : 0;
          const given = pretrainSettings(group, arm, seed);
          const model =
            arm.task === SCRATCH
              ? initial(arm, given, seed)
              : pretraining(arm, given, config, allowance, images.train);
          const extra = arm.task === SCRATCH ? allowance : 0;
          return judgesOf(group, arm, model, config, extra, images).map(([name, judge]) => ({
            cell: {
              ...{ group: group.name, budget, arm: arm.name, seed },
              ...{ judge: name, model: model.id, piece: judge.id },
            },
            model,
            judge,
          }));
        }),
    );
  });
}

/** The judges of an arm's model, with the names of tables. @param extra operations that training judges may spend beyond their settings */
function judgesOf(
  group: Group,
  arm: Arm,
  model: Piece,
  config: Config,
  extra: number,
  images: ImageCounts,
): [judge: string, piece: Piece][] {
  return studyJudges
    .filter(({ name }) => arm.judges.includes(name))
    .flatMap((judge) => judge.pieces({ group, arm, model, config, extra, images }));
}

function initial(arm: Arm, settings: ConfigInput, seed: number): Piece {
  return { kind: 'initial', id: `${slug(arm.name)}-seed${seed}`, settings, flops: 0, updates: 0 };
}

/** @param allowance operations to spend, 0: as the settings say */
function pretraining(arm: Arm, given: ConfigInput, config: Config, allowance: number, images: number): Piece {
  const { training, seed } = config;
  if (training.batchSize > images)
    throw new ConfigError(
      `training.batchSize of pretrain must not exceed the images, got ${training.batchSize} and ${images}`,
    );
  const epoch = pretrainUpdates(config, images) / training.epochs;
  const flops = epoch * updateFlops(config);
  const epochs = allowance > 0 ? Math.max(1, Math.round(allowance / flops)) : training.epochs;
  const settings = mergeConfig(given, { training: stretched(training, epochs) });
  const id = `${slug(arm.name)}-${epochs}ep-seed${seed}`;
  return { kind: 'pretrain', id, settings, flops: epochs * flops, updates: epochs * epoch };
}

/** Updates of all epochs: the last, incomplete batch of one is left out. */
function pretrainUpdates({ training }: Config, images: number): number {
  return training.epochs * Math.floor(images / training.batchSize);
}

function updateFlops(config: Config): number {
  return config.training.batchSize * stepFlops(config);
}

/** The name of an arm as part of a folder's name. */
function slug(name: string): string {
  return name.replace(/[^\p{L}\p{N}.]+/gu, '-').replace(/^[-.]+|-+$/g, '');
}
