import { type Config, requireFit } from '../config/schema.ts';
import type { Augment } from '../data/augment/augment.ts';
import { type CropSampler, centreCrop, randomResizedCrop } from '../data/decode/crop.ts';
import type { Batch } from '../data/load/batch.ts';
import { evaluationBatches, type Loader, type LoaderOptions, trainingBatches } from '../data/load/loader.ts';
import type { Cursor } from '../data/load/sampler.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import type { Values } from '../graph/index.ts';
import { normalisationOf } from '../image/normalise.ts';
import type { Size } from '../image/size.ts';
import type { AutoencoderConfig } from '../models/config.ts';
import type { NamedModule } from '../modules/module-export.ts';
import { type PretrainPrograms, pretrainPrograms } from '../programs/pretrain.ts';
import { drawBatch } from '../tasks/draws.ts';
import { type OwnTasks, withOwnTarget } from '../tasks/own.ts';
import { taskOf } from '../tasks/table.ts';
import type { PretextTask } from '../tasks/task.ts';

/** The programs and the views that settings stand for. */
export interface Setup {
  readonly config: Config;
  readonly task: PretextTask;
  /** That of the settings; a target of the user's own stands there as itself. */
  readonly model: AutoencoderConfig;
  /** Programs that take `batch` images; the same object for the same number. */
  programs(batch: number): PretrainPrograms;
  /** Random crops for training, without end, from `cursor` on. */
  trainingViews(dataset: Dataset, options: ViewOptions & { cursor?: Cursor | undefined }): Loader;
  /** One pass of central crops: views of the task, or images as the encoder takes them. */
  evaluationViews(dataset: Dataset, kind: 'task' | 'encoder', options: ViewOptions): Loader;
  /** Inputs of a program of the task: views and the task's draws, from each image's own stream. */
  inputs(batch: Batch): Values;
}

export type ViewOptions = Pick<LoaderOptions, 'batchSize' | 'broken' | 'prefetch'>;

/** Parts of the user's own that programs and views take. */
export interface SetupParts extends OwnTasks {
  readonly augmentations?: readonly NamedModule[] | undefined;
}

/** Throws RangeError where sizes, task and model do not fit each other. */
export function setUp(config: Config, own: SetupParts = {}): Setup {
  const { data, seed } = config;
  requireFit(config, own);
  const pretext = taskOf(config.task, own);
  const model = withOwnTarget<AutoencoderConfig>(config.model, own.targets);
  const { mean, std } = data;
  const augment: Augment | undefined = own.augmentations?.length
    ? { normalisation: { mean, std }, own: own.augmentations }
    : undefined;
  const made = new Map<number, PretrainPrograms>();
  const { channels } = model;
  const { range } = normalisationOf(data);
  const options = (size: Size, crop: CropSampler) => ({ size, crop, channels, range, seed });
  return {
    config,
    task: pretext,
    model,
    programs(batch) {
      const programs =
        made.get(batch) ??
        pretrainPrograms({
          model,
          task: pretext,
          maskRatio: config.task.maskRatio,
          batch,
          mean: data.mean,
          std: data.std,
          weightDecay: config.training.weightDecay,
        });
      made.set(batch, programs);
      return programs;
    },
    trainingViews(dataset, { cursor, ...given }) {
      const crop = randomResizedCrop({ scale: data.scale, ratio: data.ratio, flip: data.flip });
      return trainingBatches(dataset, {
        ...options(pretext.view(model.image), crop),
        ...given,
        ...(cursor && { cursor }),
        ...(augment && { augment }),
      });
    },
    evaluationViews(dataset, kind, given) {
      const size = kind === 'task' ? pretext.view(model.image) : model.image;
      return evaluationBatches(dataset, { ...options(size, centreCrop(data.evaluationCrop)), ...given });
    },
    inputs: ({ view, rngs }) => ({ view, ...drawBatch(pretext, model, rngs) }),
  };
}
