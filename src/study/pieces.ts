import { finetuneFlops, stepFlops } from '../config/cost.ts';
import { ConfigError } from '../config/error.ts';
import { resolveFinetuneConfig } from '../config/finetune-recipes.ts';
import type { FinetuneInput } from '../config/finetune-schema.ts';
import type { LinprobeInput } from '../config/linprobe-schema.ts';
import { mergeConfig } from '../config/overrides.ts';
import type { Config, ConfigInput } from '../config/schema.ts';
import { task } from '../tasks/table.ts';
import { pretrainConfig, pretrainSettings, SCRATCH, type Study } from './schema.ts';

/** What arms have in common: the epochs of pre-training and fine-tuning, or the operations of both together. */
export type Budget = 'steps' | 'compute';
export const budgets: readonly Budget[] = ['steps', 'compute'];

/** A part of a study that is run at once: a model to judge, or a judgement. */
export type Piece = {
  /** Unique in the study, for the same settings the same; also the name of its folder. */
  readonly id: string;
  /** Floating-point operations of training. */
  readonly flops: number;
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
  readonly budget: Budget;
  readonly arm: string;
  readonly seed: number;
  /** `kNN`, `linear`, `fine-tune 10 %`. */
  readonly judge: string;
  /** Ids of the model and of its judgement. */
  readonly model: string;
  readonly piece: string;
}

/** Numbers of images of a seed that settings alone do not tell. */
export interface ImageCounts {
  readonly train: number;
  readonly classes: number;
  /** Of a share of the labels. */
  labelled(share: number): number;
}

export interface StudyPlan {
  /** In the order in which they are run: seed by seed, models before their judges. */
  readonly pieces: readonly Piece[];
  readonly cells: readonly Cell[];
}

/**
 * What a study consists of. At equal compute, pre-training lasts for as many epochs as cost what those of the first
 * pre-trained arm cost, and fine-tuning from scratch gets that cost in epochs of its own; both rounded to whole epochs,
 * at least one. Pieces that both budgets have are one. Throws ConfigError where a batch is larger than the images.
 */
export function planStudy(study: Study, imagesOf: (seed: number) => ImageCounts): StudyPlan {
  const pieces = new Map<string, Piece>();
  const cells: Cell[] = [];
  const reference = study.arms.find((arm) => arm !== SCRATCH);
  for (const seed of study.seeds) {
    const images = imagesOf(seed);
    const cost = reference ? pretrainFlops(pretrainConfig(study, reference, seed), images.train) : 0;
    for (const budget of budgets)
      for (const arm of study.arms) {
        const config = pretrainConfig(study, arm, seed);
        const allowance = budget === 'compute' ? cost : 0;
        const given = pretrainSettings(study, arm, seed);
        const model =
          arm === SCRATCH ? initial(given, seed) : pretraining(given, config, allowance, images.train);
        pieces.set(model.id, model);
        const extra = arm === SCRATCH ? allowance : 0;
        for (const [judge, piece] of judgesOf(study, model, config, extra, images)) {
          pieces.set(piece.id, piece);
          cells.push({ budget, arm, seed, judge, model: model.id, piece: piece.id });
        }
      }
  }
  return { pieces: [...pieces.values()], cells };
}

/** @param extra operations that fine-tuning may spend beyond its settings */
function judgesOf(
  study: Study,
  model: Piece,
  config: Config,
  extra: number,
  images: ImageCounts,
): [judge: string, piece: Piece][] {
  const { id: from } = model;
  const { seed } = config;
  const { knn, linear, finetune } = study;
  const judges: [judge: string, piece: Piece][] = [];
  if (knn)
    judges.push(['kNN', { kind: 'knn', id: `${from}-knn`, settings: { ...knn, seed }, from, flops: 0 }]);
  if (linear) {
    const settings = { ...linear, seed };
    judges.push(['linear', { kind: 'linear', id: `${from}-linear`, settings, from, flops: 0 }]);
  }
  for (const given of finetune) {
    const name = `fine-tune ${percent(given.data?.labels ?? 1)} %`;
    judges.push([name, finetuning(given, model, config, extra, images)]);
  }
  return judges;
}

function initial(settings: ConfigInput, seed: number): Piece {
  return { kind: 'initial', id: `${SCRATCH}-seed${seed}`, settings, flops: 0 };
}

/** @param allowance operations to spend, 0: as the settings say */
function pretraining(given: ConfigInput, config: Config, allowance: number, images: number): Piece {
  const { training, seed } = config;
  const epoch = pretrainFlops(config, images) / training.epochs;
  const epochs = allowance > 0 ? Math.max(1, Math.round(allowance / epoch)) : training.epochs;
  const settings = mergeConfig(given, { training: stretched(training, epochs) });
  const id = `${config.task.name.replaceAll('+', '-')}-${epochs}ep-seed${seed}`;
  return { kind: 'pretrain', id, settings, flops: epochs * epoch };
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
  const epoch = wholeBatches(labelled, training.batchSize) * finetuneFlops(config, images.classes);
  const epochs = training.epochs + Math.round(extra / epoch);
  const settings = {
    ...given,
    seed,
    training: { ...given.training, ...stretched(training, epochs) },
  };
  const id = `${model.id}-finetune${percent(data.labels)}-${epochs}ep`;
  return { kind: 'finetune', id, settings, from: model.id, flops: epochs * epoch };
}

/** Longer or shorter training; the warm-up changes in proportion. */
function stretched(
  training: { readonly epochs: number; readonly warmupEpochs: number },
  epochs: number,
): { epochs: number; warmupEpochs: number } {
  const { warmupEpochs } = training;
  if (epochs === training.epochs) return { epochs, warmupEpochs };
  return { epochs, warmupEpochs: (warmupEpochs * epochs) / training.epochs };
}

function pretrainFlops(config: Config, images: number): number {
  const { training } = config;
  const { masks } = task(config.task.name);
  return training.epochs * wholeBatches(images, training.batchSize) * stepFlops(config, masks);
}

/** Images of an epoch: the last, incomplete batch is left out. */
function wholeBatches(images: number, batchSize: number): number {
  return Math.floor(images / batchSize) * batchSize;
}

function percent(share: number): number {
  return Number((100 * share).toFixed(4));
}
