import { finetuneFlops, stepFlops } from '../config/cost.ts';
import { ConfigError } from '../config/error.ts';
import { resolveFinetuneConfig } from '../config/finetune-recipes.ts';
import type { FinetuneInput } from '../config/finetune-schema.ts';
import type { LinprobeInput } from '../config/linprobe-schema.ts';
import { mergeConfig } from '../config/overrides.ts';
import type { Config, ConfigInput } from '../config/schema.ts';
import {
  type Arm,
  type Budget,
  finetuneSettings,
  type Group,
  pretrainConfig,
  pretrainSettings,
  SCRATCH,
  stretched,
} from './arms.ts';

/** A part of a study that is run at once: a model to judge, or a judgement. */
export type Piece = {
  /** Unique in the study, for the same settings the same; also the name of its folder. */
  readonly id: string;
  /** Floating-point operations of training, and updates. */
  readonly flops: number;
  readonly updates: number;
} & (
  | { readonly kind: 'initial' | 'pretrain'; readonly settings: ConfigInput }
  | {
      readonly kind: 'knn';
      readonly settings: { trainImages: number; testImages: number; seed: number };
      readonly from: string;
    }
  | { readonly kind: 'linear'; readonly settings: LinprobeInput; readonly from: string }
  | { readonly kind: 'finetune'; readonly settings: FinetuneInput; readonly from: string }
);

/** A cell of the study: what judges an arm of a seed under a budget. */
export interface Cell {
  readonly group: string;
  readonly budget: Budget;
  readonly arm: string;
  readonly seed: number;
  /** `kNN`, `linear`, `fine-tune 10 %`. */
  readonly judge: string;
  /** Ids of the model and of its judgement. */
  readonly model: string;
  readonly piece: string;
}

/** Numbers of images, which are not in the settings. */
export interface ImageCounts {
  readonly train: number;
  readonly classes: number;
  /** Of a share of the labels. */
  labelled(share: number): number;
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

/** @param extra operations that fine-tuning may spend beyond its settings */
function judgesOf(
  group: Group,
  arm: Arm,
  model: Piece,
  config: Config,
  extra: number,
  images: ImageCounts,
): [judge: string, piece: Piece][] {
  const { id: from } = model;
  const { seed } = config;
  const { knn, linear, finetune } = group;
  const free = { from, flops: 0, updates: 0 };
  const pieces: [judge: string, piece: Piece][] = [];
  if (knn && arm.judges.includes('knn'))
    pieces.push(['kNN', { kind: 'knn', id: `${from}-knn`, settings: { ...knn, seed }, ...free }]);
  if (linear && arm.judges.includes('linear'))
    pieces.push(['linear', { kind: 'linear', id: `${from}-linear`, settings: { ...linear, seed }, ...free }]);
  for (const common of arm.judges.includes('finetune') ? finetune : []) {
    const given = finetuneSettings(group, arm, common);
    const name = `fine-tune ${percent(given.data?.labels ?? 1)} %`;
    pieces.push([name, finetuning(given, model, config, extra, images)]);
  }
  return pieces;
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

/** @param extra operations to spend on epochs beyond those of the settings */
function finetuning(
  given: FinetuneInput,
  model: Piece,
  config: Config,
  extra: number,
  images: ImageCounts,
): Piece {
  const { seed } = config;
  const { data, training } = resolveFinetuneConfig(given);
  const labelled = images.labelled(data.labels);
  if (training.batchSize > labelled)
    throw new ConfigError(
      `training.batchSize of finetune must not exceed the images with labels, got ${training.batchSize} and ${labelled} (${percent(data.labels)} %)`,
    );
  const updates = Math.floor(labelled / training.batchSize);
  const epoch = updates * training.batchSize * finetuneFlops(config, images.classes);
  const epochs = training.epochs + Math.round(extra / epoch);
  const settings = {
    ...given,
    seed,
    training: { ...given.training, ...stretched(training, epochs) },
  };
  const id = `${model.id}-finetune${percent(data.labels)}-${epochs}ep`;
  return {
    ...{ kind: 'finetune', id, settings, from: model.id },
    ...{ flops: epochs * epoch, updates: epochs * updates },
  };
}

/** Updates of all epochs: the last, incomplete batch of one is left out. */
function pretrainUpdates({ training }: Config, images: number): number {
  return training.epochs * Math.floor(images / training.batchSize);
}

function updateFlops(config: Config): number {
  return config.training.batchSize * stepFlops(config);
}

function percent(share: number): number {
  return Number((100 * share).toFixed(4));
}

/** The name of an arm as part of a folder's name. */
function slug(name: string): string {
  return name.replace(/[^\p{L}\p{N}.]+/gu, '-').replace(/^[-.]+|-+$/g, '');
}
