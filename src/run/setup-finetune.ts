import { ConfigError } from '../config/error.ts';
import { classifierConfig, type FinetuneConfig } from '../config/finetune-schema.ts';
import { type Augment, makeAugmenter } from '../data/augment/augment.ts';
import { type CropSampler, centreCrop, randomResizedCrop } from '../data/decode/crop.ts';
import { viewCrop } from '../data/decode/evaluation-view.ts';
import type { Batch } from '../data/load/batch.ts';
import { evaluationBatches, type Loader, trainingBatches } from '../data/load/loader.ts';
import { sampleRng } from '../data/load/sampler.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import type { Values } from '../graph/index.ts';
import { normalisationOf } from '../image/normalise.ts';
import type { ClassifierConfig } from '../models/classifier.ts';
import { dropPathScales } from '../nn/drop-path.ts';
import { type ClassifierPrograms, classifierPrograms } from '../programs/classify.ts';
import { drawMixes, mixedTargets, mixes, mixShares, partnersOf } from '../programs/mix.ts';
import { joined } from './joined.ts';
import type { SetupParts, TrainingViewOptions, ViewOptions } from './setup-pretrain.ts';

/** The programs and the views of settings of fine-tuning. */
export interface ClassifierSetup {
  readonly config: FinetuneConfig;
  readonly model: ClassifierConfig;
  /** Names of the classes. */
  readonly classes: readonly string[];
  /** Programs that take `batch` images; the same object for the same number. */
  programs(batch: number): ClassifierPrograms;
  /** Random crops, augmented, without end, from `cursor` on. */
  trainingViews(dataset: Dataset, options: TrainingViewOptions): Loader;
  /** One pass of central crops. */
  testViews(dataset: Dataset, options: ViewOptions): Loader;
  /**
   * Inputs of the gradients' program for a whole batch: views, targets, and what mixing and drop path draw from each image's own
   * stream.
   */
  inputs(batch: Batch): Values;
}

/** Throws RangeError where sizes or augmentations are impossible. */
export function setUpClassifier(
  config: FinetuneConfig,
  classes: readonly string[],
  own: Pick<SetupParts, 'augmentations'> = {},
): ClassifierSetup {
  const { data, training, seed } = config;
  const model = classifierConfig(config, classes.length);
  const made = new Map<number, ClassifierPrograms>();
  const shared = { size: model.image, channels: model.channels, range: normalisationOf(data).range, seed };
  const augment = { ...augmentOf(data), own: own.augmentations };
  makeAugmenter(augment, shared.channels); // what is impossible is refused here, before a run leaves anything
  const crop = randomResizedCrop({ scale: data.scale, ratio: data.ratio, flip: data.flip });
  return {
    config,
    model,
    classes,
    programs(batch) {
      const programs =
        made.get(batch) ?? classifierPrograms({ model, training, batch, mean: data.mean, std: data.std });
      made.set(batch, programs);
      return programs;
    },
    trainingViews(dataset, given) {
      const { batchSize, share } = given;
      if (share && mixes(training) && (batchSize / share.size) % 2 !== 0)
        throw new ConfigError(
          `the images of each rank must be an even number where mixup or CutMix mixes pairs of them, got ${batchSize} / ${share.size}: ` +
            `--batch-size ${2 * share.size * Math.ceil(batchSize / 2 / share.size)}`,
        );
      return trainingBatches(dataset, { ...shared, crop, augment, ...given });
    },
    testViews: (dataset, given) => evaluationBatches(dataset, { ...shared, crop: testCrop(data), ...given }),
    inputs({ view, labels, rngs, epoch, first }) {
      if (!labels) throw new RangeError('a classifier needs images with classes, got images without');
      const mixed = mixes(training)
        ? drawMixes(training, rngs, model.image, sampleRng(seed, epoch, first))
        : Array.from(labels, () => ({ own: 1 }));
      const own = mixed.map((mix) => mix.own);
      const { rows, columns } = mixShares(mixed, model.image);
      return {
        view,
        targets: mixedTargets(labels, classes.length, own, training.smoothing),
        ...(mixes(training) && {
          'mix:partners': partnersOf(view, labels.length),
          'mix:rows': rows,
          'mix:columns': columns,
        }),
        ...(training.dropPath > 0 && {
          dropPath: joined(
            rngs.map((rng) => dropPathScales(rng.derive('drop path'), training.dropPath, model.depth)),
          ),
        }),
      };
    },
  };
}

function testCrop({ evaluationView: view, evaluationCrop }: FinetuneConfig['data']): CropSampler {
  return view ? viewCrop(view) : centreCrop(evaluationCrop);
}

function augmentOf({ randAugment, colourJitter, erasing, mean, std }: FinetuneConfig['data']): Augment {
  return {
    ...(randAugment !== '' && { randAugment }),
    colourJitter,
    erasing: { probability: erasing },
    normalisation: { mean, std },
  };
}
