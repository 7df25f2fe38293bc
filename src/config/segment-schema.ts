import { z } from 'zod';
import type { SegmenterConfig } from '../models/segmenter.ts';
import type { PyramidScale } from '../models/upernet.ts';
import { engine } from './engine.ts';
import { atLeast, flag, fraction, numbers, oneOf, range, section, share, text, whole } from './fields.ts';
import { own } from './own.ts';
import { parseSettings } from './parse.ts';
import { arePyramidScales, requireAll, sharedRules } from './rules.ts';
import {
  checkpoints,
  dataFields,
  dropPathField,
  emaField,
  encoderFields,
  evaluationFields,
  from,
  layerDecayField,
  picturesField,
  recipe,
  seed,
  trainingFields,
} from './sections.ts';

const byte = z.number().int().min(0).max(255);
const meaning = { values: z.array(z.number().int().min(0)), colours: z.array(z.tuple([byte, byte, byte])) };

/** The classes of masks with their values and colours, as `classes.json` lists them, or null. */
function classTable() {
  const error = 'must be null or the table of classes that a run writes: leave it out';
  const table = z.strictObject(
    {
      classes: z.array(z.strictObject({ name: z.string(), ...meaning })).min(1),
      ignored: z.strictObject(meaning),
    },
    { error },
  );
  return z.union([z.null(), table], { error });
}

const {
  scale: _,
  ratio: __,
  evaluationCrop: ___,
  evaluationView: ____,
  ...images
} = dataFields({
  scale: [0.5, 2],
  heldOut: 0.1,
});

const data = section({
  ...images,
  test: text()
    .default('')
    .describe(
      'images to evaluate on, a source with masks; empty: the val part of data.source, or data.heldOut',
    ),
  shortSide: whole(0)
    .default(0)
    .describe(
      'shorter side to which images are resized, before the scale jitter too; 0: that of model.image',
    ),
  scale: range()
    .default([0.5, 2])
    .describe('scale jitter: smallest and largest factor on the size of an image'),
  largestClass: share()
    .default(0.75)
    .describe(
      'largest share of a crop that one class may fill, else it is drawn again, up to ten times; 1: any',
    ),
  photometric: flag()
    .default(true)
    .describe('true: brightness, contrast, saturation and hue are changed at random'),
  classes: classTable()
    .default(null)
    .describe('the classes of the masks and their values; a run writes them'),
});

const head = section({
  kind: oneOf(['linear', 'upernet'])
    .default('linear')
    .describe('head: a linear layer on the last tokens, or UperNet on those of several blocks'),
  channels: whole(1).default(512).describe('UperNet: channels of its maps'),
  taps: numbers(0)
    .default([])
    .describe(
      'UperNet: the blocks whose tokens it takes, counted from 0; empty: evenly, the last one included',
    ),
  scales: numbers(1)
    .default([4, 2, 1, 0.5])
    .describe(
      'UperNet: size of the map of each tap relative to the grid of patches, falling: 4, 2, 1 or 0.5',
    ),
  pools: numbers(1).default([1, 2, 3, 6]).describe('UperNet: sides of the pooled maps'),
  auxiliary: whole(0).default(256).describe('UperNet: channels of the auxiliary head of training; 0: none'),
  dropout: fraction().default(0.1).describe('UperNet: share of the channels dropped before the last layer'),
});

const model = section({
  ...encoderFields,
  trainPositions: flag()
    .default(true)
    .describe('true: positions are trained, from those of model.positions on'),
  relativePositions: flag()
    .default(false)
    .describe('true: every block has trained biases by the offset of two patches, as in BEiT'),
  layerScaleInit: atLeast(0)
    .default(0)
    .describe("start of the trained scales of the blocks' branches, 1 in mmsegmentation; 0: none"),
  head: head.prefault({}),
});

const training = section({
  ...trainingFields({
    epochs: 100,
    batchSize: 16,
    learningRate: 1.6e-3,
    minLearningRate: 0,
    warmupEpochs: 1,
    beta2: 0.999,
  }),
  schedule: oneOf(['cosine', 'linear'])
    .default('linear')
    .describe('how the learning rate falls to minLearningRate after the warm-up'),
  layerDecay: layerDecayField(0.65),
  dropPath: dropPathField(),
  lossOver: oneOf(['all', 'labelled'])
    .default('all')
    .describe('pixels that the loss is averaged over: all, as in mmsegmentation, or those with a class'),
  ema: emaField(),
});

const evaluation = section({
  ...evaluationFields(),
  stride: share()
    .default(2 / 3)
    .describe('distance of sliding windows relative to the size of model.image; 1: no overlap'),
  scales: numbers(1)
    .default([1])
    .describe('sizes in which an image is segmented, relative to data.shortSide; several are averaged'),
  flip: flag().default(false).describe('true: the mirror image is segmented too, and averaged'),
  pictures: picturesField(),
});

/** All settings of a run of semantic segmentation. The defaults are those of mmsegmentation for MAE, with a linear head. */
export const segmentSchema = section({
  recipe,
  seed,
  from,
  data: data.prefault({}),
  model: model.prefault({}),
  training: training.prefault({}),
  checkpoints: checkpoints.prefault({}),
  evaluation: evaluation.prefault({}),
  engine: engine.prefault({}),
  own,
});

/** The settings of a run of segmentation, complete. */
export type SegmentConfig = z.output<typeof segmentSchema>;

/** The settings of a run of segmentation as a user writes them: any subset. */
export type SegmentInput = z.input<typeof segmentSchema>;

/** Completes and checks settings. Throws ConfigError as `parseConfig` does. */
export function parseSegmentConfig(input: unknown): SegmentConfig {
  const config = parseSettings(segmentSchema, input);
  const { head, depth } = config.model;
  const { scales } = config.evaluation;
  const taps = tapsOf(config.model);
  const isUperNet = head.kind === 'upernet';
  requireAll([
    ...sharedRules(config),
    [scales.every((scale) => scale > 0), 'evaluation.scales must be above 0', [`[${scales}]`]],
    [
      !isUperNet || arePyramidScales(head.scales),
      'model.head.scales must be some of 4, 2, 1 and 0.5, falling',
      [`[${head.scales}]`],
    ],
    [
      !isUperNet || taps.length === head.scales.length,
      'model.head.taps must name a block for each of model.head.scales',
      [`[${taps}]`, `[${head.scales}]`],
    ],
    [
      !isUperNet || taps.every((tap) => Number.isInteger(tap) && tap >= 0 && tap < depth),
      'model.head.taps must be blocks, whole numbers from 0 to model.depth - 1',
      [`[${taps}]`, depth],
    ],
    [
      !isUperNet || head.pools.every((side) => Number.isInteger(side) && side > 0),
      'model.head.pools must be whole numbers of at least 1',
      [`[${head.pools}]`],
    ],
  ]);
  return config;
}

function tapsOf({ head, depth }: SegmentConfig['model']): readonly number[] {
  const count = head.scales.length;
  return head.taps.length > 0
    ? head.taps
    : Array.from({ length: count }, (_, i) => Math.ceil(((i + 1) * depth) / count) - 1);
}

/** The value of each class in predicted masks: as in the training masks, where they fit a byte, else the number of the class. */
export function storedValues({
  classes,
}: {
  readonly classes: readonly { readonly values: readonly number[] }[];
}): number[] {
  const own = classes.map(({ values }, k) => values[0] ?? k);
  return own.every((value) => value <= 255) ? own : classes.map((_, k) => k);
}

/** The model of the settings for this number of classes. */
export function segmenterConfig({ model }: Pick<SegmentConfig, 'model'>, classes: number): SegmenterConfig {
  const { head, trainPositions, layerScaleInit, relativePositions, positions, ...encoder } = model;
  const { kind, channels, scales, pools, auxiliary } = head;
  return {
    ...encoder,
    positions: trainPositions ? 'learned' : positions,
    ...(relativePositions && { relativePositions }),
    ...(layerScaleInit > 0 && { layerScale: layerScaleInit }),
    classes,
    head:
      kind === 'linear'
        ? { kind }
        : {
            kind,
            channels,
            taps: tapsOf(model),
            scales: scales as PyramidScale[],
            pools,
            ...(auxiliary > 0 && { auxiliary }),
          },
  };
}
