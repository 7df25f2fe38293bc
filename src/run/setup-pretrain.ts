import type { Config } from '../config/schema.ts';
import { type CropSampler, centreCrop, randomResizedCrop } from '../data/decode/crop.ts';
import { evaluationBatches, type Loader, type LoaderOptions, trainingBatches } from '../data/load/loader.ts';
import type { Cursor } from '../data/load/sampler.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import { normalisationOf } from '../image/normalise.ts';
import type { Size } from '../image/size.ts';
import { type ProgramSetup, programSetup } from './pretrain-programs.ts';

/** The programs and the views that settings stand for. */
export interface Setup extends ProgramSetup {
  /** Random crops for training, without end, from `cursor` on. */
  trainingViews(dataset: Dataset, options: ViewOptions & { cursor?: Cursor | undefined }): Loader;
  /** One pass of central crops: views of the task, or images as the encoder takes them. */
  evaluationViews(dataset: Dataset, kind: 'task' | 'encoder', options: ViewOptions): Loader;
}

export type ViewOptions = Pick<LoaderOptions, 'batchSize' | 'broken' | 'prefetch'>;

/** Throws RangeError where sizes, task and model do not fit each other. */
export function setUp(config: Config): Setup {
  const { model, data, seed } = config;
  const programs = programSetup(config);
  const { task } = programs;
  const { channels } = model;
  const { range } = normalisationOf(data);
  const options = (size: Size, crop: CropSampler) => ({ size, crop, channels, range, seed });
  return {
    ...programs,
    trainingViews(dataset, { cursor, ...given }) {
      const crop = randomResizedCrop({ scale: data.scale, ratio: data.ratio, flip: data.flip });
      return trainingBatches(dataset, {
        ...options(task.view(model.image), crop),
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
