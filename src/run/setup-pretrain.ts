import { type Config, requireFit } from '../config/schema.ts';
import type { Augment } from '../data/augment/augment.ts';
import { type CropSampler, centreCrop, randomResizedCrop } from '../data/decode/crop.ts';
import { evaluationBatches, type Loader, type LoaderOptions, trainingBatches } from '../data/load/loader.ts';
import type { Cursor, Share } from '../data/load/sampler.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import { normalisationOf } from '../image/normalise.ts';
import type { Size } from '../image/size.ts';
import type { NamedModule } from '../modules/module-export.ts';
import type { OwnTasks } from '../tasks/own.ts';
import { type ProgramSetup, programSetup } from './pretrain-programs.ts';

/** The programs and the views of a run's settings. */
export interface Setup extends ProgramSetup {
  /** Random crops for training, without end, from `cursor` on. */
  trainingViews(dataset: Dataset, options: Partial<TrainingViewOptions> & ViewOptions): Loader;
  /** One pass of central crops: views of the task, or images as the encoder takes them. */
  evaluationViews(dataset: Dataset, kind: 'task' | 'encoder', options: ViewOptions): Loader;
}

export type ViewOptions = Pick<LoaderOptions, 'batchSize' | 'broken' | 'prefetch'>;

export interface TrainingViewOptions extends ViewOptions {
  readonly cursor: Cursor;
  /** A rank's part of each batch. Default: all of it. */
  readonly share?: Share | undefined;
}

/** Parts of the user's own that programs and views take. */
export interface SetupParts extends OwnTasks {
  readonly augmentations?: readonly NamedModule[] | undefined;
}

/** Throws RangeError where sizes, task and model do not fit each other. */
export function setUp(config: Config, own: SetupParts = {}): Setup {
  const { data, seed } = config;
  requireFit(config, own);
  const programs = programSetup(config, own);
  const { task, model } = programs;
  const { mean, std } = data;
  const augment: Augment | undefined = own.augmentations?.length
    ? { normalisation: { mean, std }, own: own.augmentations }
    : undefined;
  const { channels } = model;
  const { range } = normalisationOf(data);
  const options = (size: Size, crop: CropSampler) => ({ size, crop, channels, range, seed });
  return {
    ...programs,
    trainingViews(dataset, { cursor, ...given }) {
      const crop = randomResizedCrop({ scale: data.scale, ratio: data.ratio, flip: data.flip });
      return trainingBatches(dataset, {
        ...options(task.view(model.image), crop),
        ...(augment && { augment }),
        ...given,
        ...(cursor && { cursor }),
      });
    },
    evaluationViews(dataset, kind, given) {
      const size = kind === 'task' ? task.view(model.image) : model.image;
      return evaluationBatches(dataset, { ...options(size, centreCrop(data.evaluationCrop)), ...given });
    },
  };
}
