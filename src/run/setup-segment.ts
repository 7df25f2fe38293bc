import { type SegmentConfig, segmenterConfig } from '../config/segment-schema.ts';
import { type Augment, makeAugmenter } from '../data/augment/augment.ts';
import { scaleJitter } from '../data/decode/scale-jitter.ts';
import type { Batch } from '../data/load/batch.ts';
import { type Loader, trainingBatches } from '../data/load/loader.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import type { Program, Values } from '../graph/index.ts';
import { borderOf } from '../image/border.ts';
import { type Normalisation, normalisationOf } from '../image/normalise.ts';
import type { SegmenterConfig } from '../models/segmenter.ts';
import { dropPathScales } from '../nn/drop-path.ts';
import { type SegmenterPrograms, segmenterPrograms, segmentProgram } from '../programs/segment.ts';
import type { Rng } from '../random/rng.ts';
import { joined } from './joined.ts';
import { memoised } from './memoised.ts';
import type { SetupParts, TrainingViewOptions } from './setup-pretrain.ts';

/** The programs and the views of settings of segmentation. */
export interface SegmenterSetup {
  readonly config: SegmentConfig;
  readonly model: SegmenterConfig;
  readonly normalisation: Normalisation;
  /** Names of the classes. */
  readonly classes: readonly string[];
  /** The training program for `batch` images; the same object for the same number. */
  programs(batch: number): SegmenterPrograms;
  /** `image` f32 [batch, C, H, W] → `logits`: see `segmentProgram`; the same object for the same arguments. */
  predict(batch: number, averaged: boolean): Program;
  /** Random crops with their masks, without end, from `cursor` on. */
  trainingViews(dataset: Dataset, options: TrainingViewOptions): Loader;
  /**
   * Inputs of the gradients' program for a whole batch: views, masks, and what drop path and dropout draw from each image's own
   * stream.
   */
  inputs(batch: Batch): Values;
}

/** How much larger than `model.image` the settings make an image: the factor on the size at which it just covers that. */
export function zoomOf({ data, model }: Pick<SegmentConfig, 'data' | 'model'>): number {
  return data.shortSide === 0 ? 1 : data.shortSide / Math.min(...model.image);
}

/**
 * @param config with the classes of the masks
 * Throws RangeError where sizes or augmentations are impossible.
 */
export function setUpSegmenter(
  config: SegmentConfig,
  own: Pick<SetupParts, 'augmentations'> = {},
): SegmenterSetup {
  const { data, training, seed } = config;
  const { classes: table } = data;
  if (!table) throw new RangeError('a segmenter needs the classes of its masks, got none');
  const model = segmenterConfig(config, table.classes.length);
  const { channels, image: size, head, depth } = model;
  const normalisation = normalisationOf(data);
  const { mean, std, range } = normalisation;
  const { dropout } = config.model.head;
  const augment: Augment = {
    photometric: data.photometric,
    normalisation: { mean, std },
    own: own.augmentations,
  };
  makeAugmenter(augment, channels); // what is impossible is refused here, before a run leaves anything
  const zoom = zoomOf(config);
  const crop = scaleJitter({
    scale: [zoom * data.scale[0], zoom * data.scale[1]],
    flip: data.flip,
    border: borderOf(mean),
  });
  const masks = data.largestClass < 1 ? { largest: data.largestClass } : {};
  const once = memoised();
  return {
    config,
    model,
    normalisation,
    classes: table.classes.map(({ name }) => name),
    programs: (batch) =>
      once(`${batch}`, () => segmenterPrograms({ model, training, batch, dropout, mean, std })),
    predict: (batch, averaged) => once(`${batch} ${averaged}`, () => segmentProgram(model, batch, averaged)),
    trainingViews: (dataset, given) =>
      trainingBatches(dataset, { size, channels, range, seed, crop, augment, masks, ...given }),
    inputs({ view, masks, rngs }) {
      if (!masks) throw new RangeError('a segmenter needs images with masks, got images without');
      const drawn = (name: string, draw: (rng: Rng) => Float32Array) =>
        joined(rngs.map((rng) => draw(rng.derive(name))));
      return {
        view,
        masks,
        ...(training.dropPath > 0 && {
          dropPath: drawn('drop path', (rng) => dropPathScales(rng, training.dropPath, depth)),
        }),
        ...(head.kind === 'upernet' &&
          dropout > 0 && {
            dropout: drawn('dropout', (rng) => dropScales(rng, dropout, head.channels)),
            ...(head.auxiliary && {
              'dropout:auxiliary': drawn('auxiliary dropout', (rng) =>
                dropScales(rng, dropout, head.auxiliary!),
              ),
            }),
          }),
      };
    },
  };
}

/** Scales of one image's channels: 0 where a channel is dropped, else 1 / (1 − rate), which preserves the mean. */
function dropScales(rng: Rng, rate: number, channels: number): Float32Array {
  return Float32Array.from({ length: channels }, () => (rng.uniform() < rate ? 0 : 1 / (1 - rate)));
}
