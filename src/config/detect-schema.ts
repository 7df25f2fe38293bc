import { z } from 'zod';
import type { DetectorConfig } from '../models/detector.ts';
import type { PyramidScale } from '../models/upernet.ts';
import { engine } from './engine.ts';
import { flag, fraction, numbers, oneOf, range, section, text, whole } from './fields.ts';
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

/** The classes of the annotations with their ids in the file, or null. */
function classTable() {
  const error = 'must be null or the classes that a run writes: leave it out';
  const table = z
    .array(z.strictObject({ name: z.string(), id: z.union([z.number(), z.string()]) }), { error })
    .min(1);
  return z.union([z.null(), table], { error });
}

const {
  scale: _,
  ratio: __,
  evaluationCrop: ___,
  evaluationView: ____,
  ...images
} = dataFields({ scale: [0.1, 2], heldOut: 0.1 });

const data = section({
  ...images,
  test: text()
    .default('')
    .describe(
      'images to evaluate on, a source with annotations; empty: the val part of data.source, or data.heldOut',
    ),
  scale: range()
    .default([0.1, 2])
    .describe(
      'scale jitter: smallest and largest size of an image relative to the one at which it just fits into model.image',
    ),
  classes: classTable()
    .default(null)
    .describe('the classes of the annotations and their ids; a run writes them'),
});

const head = section({
  channels: whole(1).default(256).describe('channels of the maps of the pyramid and of the heads'),
  scales: numbers(1)
    .default([4, 2, 1, 0.5])
    .describe('sizes of the maps of the pyramid relative to the grid of patches, falling: 4, 2, 1 or 0.5'),
  convolutions: whole(1).default(4).describe('convolutions of the box head, and of the mask head'),
  hidden: whole(1).default(1024).describe("width of the box head's hidden layer"),
  masks: flag().default(true).describe('true: masks are learned beside boxes'),
});

const model = section({
  ...encoderFields,
  image: encoderFields.image.default([1024, 1024]),
  trainPositions: flag()
    .default(true)
    .describe('true: positions are trained, from those of model.positions on'),
  window: whole(0)
    .default(14)
    .describe(
      'side, in patches, of the windows in which the attention of most blocks stays; 0: all patches see each other',
    ),
  globalBlocks: numbers(0)
    .default([])
    .describe('blocks without windows, counted from 0; empty: the last one of each quarter'),
  relativePositions: flag()
    .default(false)
    .describe('true: every block has trained decomposed relative positions, as in ViTDet'),
  head: head.prefault({}),
});

const training = section({
  ...trainingFields({
    epochs: 100,
    batchSize: 64,
    learningRate: 4e-4,
    minLearningRate: 0,
    warmupEpochs: 0.14,
    beta2: 0.999,
  }),
  schedule: oneOf(['cosine', 'linear', 'steps'])
    .default('steps')
    .describe(
      'how the learning rate falls to minLearningRate after the warm-up; steps: to a tenth after 8/9 of the run, and again after 26/27',
    ),
  layerDecay: layerDecayField(0.7),
  dropPath: dropPathField(),
  proposals: whole(1).default(1000).describe('boxes that are proposed for an image'),
  rois: whole(4)
    .default(512)
    .describe('boxes of an image that the heads learn from, a quarter of them objects'),
  ema: emaField(),
});

const evaluation = section({
  ...evaluationFields(),
  proposals: whole(1).default(1000).describe('boxes that are proposed for an image'),
  detections: whole(1).default(100).describe('most detections of an image'),
  leastScore: fraction().default(0.05).describe('score below which a box is no detection'),
  pictures: picturesField(),
});

/** All settings of a run of detection. The defaults are those of ViTDet (arXiv 2203.16527) on COCO. */
export const detectSchema = section({
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

/** The settings of a run of detection, complete. */
export type DetectConfig = z.output<typeof detectSchema>;

/** The settings of a run of detection as a user writes them: any subset. */
export type DetectInput = z.input<typeof detectSchema>;

/** Completes and checks settings. Throws ConfigError as `parseConfig` does. */
export function parseDetectConfig(input: unknown): DetectConfig {
  const config = parseSettings(detectSchema, input);
  const { head, depth, globalBlocks, patch } = config.model;
  requireAll([
    ...sharedRules(config),
    [
      arePyramidScales(head.scales),
      'model.head.scales must be some of 4, 2, 1 and 0.5, falling',
      [`[${head.scales}]`],
    ],
    [
      head.scales.every((scale) => Number.isInteger(Math.log2(patch / scale)) && patch >= scale),
      'model.patch must be a power of 2, and not below any of model.head.scales',
      [patch, `[${head.scales}]`],
    ],
    [
      globalBlocks.every((block) => Number.isInteger(block) && block >= 0 && block < depth),
      'model.globalBlocks must be blocks, whole numbers from 0 to model.depth - 1',
      [`[${globalBlocks}]`, depth],
    ],
  ]);
  return config;
}

/** The model of the settings for this number of classes. A class token of the encoder is left out. */
export function detectorConfig({ model }: Pick<DetectConfig, 'model'>, classes: number): DetectorConfig {
  const { head, trainPositions, window, globalBlocks, relativePositions, positions, ...encoder } = model;
  const { depth } = encoder;
  const quarters = [1, 2, 3, 4].map((quarter) => Math.ceil((quarter * depth) / 4) - 1);
  return {
    ...encoder,
    classToken: false,
    positions: trainPositions ? 'learned' : positions,
    ...(relativePositions && { decomposedPositions: true }),
    ...(window > 0 && {
      windows: { side: window, global: globalBlocks.length > 0 ? globalBlocks : [...new Set(quarters)] },
    }),
    classes,
    head: { ...head, scales: head.scales as PyramidScale[] },
  };
}
