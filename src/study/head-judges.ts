import { detectFlops, segmentFlops } from '../config/cost.ts';
import { resolveDetectConfig } from '../config/detect-recipes.ts';
import type { DetectInput } from '../config/detect-schema.ts';
import { ConfigError } from '../config/error.ts';
import { mergeSettings } from '../config/merge.ts';
import { mergeConfig } from '../config/overrides.ts';
import { resolveSegmentConfig } from '../config/segment-recipes.ts';
import type { SegmentInput } from '../config/segment-schema.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import type { EncoderConfig } from '../models/config.ts';
import { type Arm, type Group, requireEpochs, requireOwnStart, stretched } from './arms.ts';
import type { JudgedArm, StudyJudge, Within } from './judge.ts';
import type { AnnotatedData, HeadPiece } from './piece.ts';

/** The judges that train a model with a head on separate images. */
export type HeadName = HeadPiece['kind'];
type Given = SegmentInput & DetectInput;

/** The sizes of a judged model. */
type Encoder = Pick<
  EncoderConfig,
  'patch' | 'channels' | 'width' | 'depth' | 'heads' | 'mlpRatio' | 'classToken'
>;

/** Settings of training with a head, as far as a study needs them, with the operations of a step for an image. */
interface Trained {
  readonly data: AnnotatedData;
  readonly training: {
    readonly batchSize: number;
    readonly epochs: number;
    readonly warmupEpochs: number;
    readonly maxSteps: number;
  };
  /** @param classes their number */
  flops(encoder: Encoder, classes: number): number;
}

/** Everything in which these judges differ. */
interface Head {
  /** The score in tables. */
  readonly measure: string;
  /** Its name in the metrics. */
  readonly score: 'mIoU' | 'boxAP';
  /** Its images in words, and how a source of them is named. */
  readonly images: string;
  readonly example: string;
  /** In words: `segmentation`. */
  readonly work: string;
  resolve(given: Given): Trained;
  /** The classes of the images' annotations; undefined without any. */
  classes(images: Dataset): readonly string[] | undefined;
}

export const heads: Readonly<Record<HeadName, Head>> = {
  segment: {
    measure: 'mIoU',
    score: 'mIoU',
    images: 'images with masks',
    example: 'masks:FOLDER',
    work: 'segmentation',
    resolve(given) {
      const { data, model, training } = resolveSegmentConfig(given);
      return {
        data,
        training,
        flops: (encoder, classes) => segmentFlops({ model: { ...model, ...encoder } }, classes),
      };
    },
    classes: ({ masks }) => masks?.classes,
  },
  detect: {
    measure: 'box AP',
    score: 'boxAP',
    images: 'images with objects',
    example: 'boxes:PATH',
    work: 'detection',
    resolve(given) {
      const { data, model, training } = resolveDetectConfig(given);
      return {
        data,
        training,
        flops: (encoder, classes) => detectFlops({ model: { ...model, ...encoder }, training }, classes),
      };
    },
    classes: ({ boxes }) => boxes?.classes,
  },
};

export const headNames = Object.keys(heads) as HeadName[];

export const isHead = (judge: string): judge is HeadName => Object.hasOwn(heads, judge);

/** Complete settings of an arm's training with a head: on the engine of pre-training unless they name one. */
export const headConfig = (name: HeadName, group: Group, arm: Arm): Trained =>
  heads[name].resolve(settingsOf(name, group, arm));

function settingsOf(name: HeadName, group: Group, arm: Arm): Given {
  const { engine = {} } = mergeConfig(group.pretrain, arm.settings ?? {});
  return mergeSettings({ engine }, group[name] ?? {}, arm[name] ?? {}) as Given;
}

/** The entry of the table of judges. */
export function headJudge(name: HeadName): StudyJudge {
  const { images, example } = heads[name];
  return {
    name,
    check(group: Group, arm: Arm, within: Within) {
      within(name, () => {
        const settings = settingsOf(name, group, arm);
        requireOwnStart(settings);
        const { data, training } = heads[name].resolve(settings);
        requireEpochs(training.maxSteps);
        if (data.source === '')
          throw new ConfigError(`data.source must name ${images}, got nothing: ${example}`);
      });
    },
    withoutImages: () => [],
    pieces: (judged) => [[name, pieceOf(name, judged)]],
  };
}

function pieceOf(name: HeadName, { group, arm, model, config, extra, images }: JudgedArm): HeadPiece {
  const given = settingsOf(name, group, arm);
  const { data, training, flops } = heads[name].resolve(given);
  const { train, classes } = images.annotated(name, data);
  if (training.batchSize > train)
    throw new ConfigError(
      `training.batchSize of ${name} must not exceed the images, got ${training.batchSize} and ${train}`,
    );
  const updates = Math.floor(train / training.batchSize);
  const { patch, channels, width, depth, heads: number, mlpRatio, classToken } = config.model;
  const encoder = { patch, channels, width, depth, heads: number, mlpRatio, classToken };
  const epoch = updates * training.batchSize * flops(encoder, classes);
  const epochs = training.epochs + Math.round(extra / epoch);
  const { seed } = config;
  const settings = { ...given, seed, training: { ...given.training, ...stretched(training, epochs) } };
  return {
    ...{ kind: name, id: `${model.id}-${name}-${epochs}ep`, settings, from: model.id },
    ...{ flops: epochs * epoch, updates: epochs * updates },
  } as HeadPiece;
}
