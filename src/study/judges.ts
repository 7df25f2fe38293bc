import { z } from 'zod';
import { finetuneFlops } from '../config/cost.ts';
import { ConfigError } from '../config/error.ts';
import { section, whole } from '../config/fields.ts';
import { resolveFinetuneConfig } from '../config/finetune-recipes.ts';
import type { FinetuneInput } from '../config/finetune-schema.ts';
import { parseLinprobeConfig } from '../config/linprobe-schema.ts';
import { mergeSettings } from '../config/merge.ts';
import { mergeConfig } from '../config/overrides.ts';
import { type Arm, type Group, pretrainConfig, requireEpochs, requireOwnStart, stretched } from './arms.ts';
import { headJudge, headNames, heads, isHead } from './head-judges.ts';
import type { JudgedArm, StudyJudge } from './judge.ts';
import type { Piece } from './piece.ts';

const settings = () => z.record(z.string(), z.unknown(), { error: 'must be a group of settings' });

/** The settings of each judge in a group. */
export const judgeFields = {
  knn: section({
    trainImages: whole(0).default(10_000).describe('most images that vote; 0: all'),
    testImages: whole(0).default(0).describe('most images that are classified; 0: all'),
  })
    .optional()
    .describe('judges features by their nearest neighbours'),
  linear: settings().optional().describe('settings of linear probes'),
  finetune: z
    .array(settings(), { error: 'must be a list of settings' })
    .optional()
    .describe('settings of fine-tuning, for each share of the labels (data.labels)'),
  segment: settings().optional().describe('settings of segmentation, on images with masks (data.source)'),
  detect: settings().optional().describe('settings of detection, on images with objects (data.source)'),
};

const knn: StudyJudge = {
  name: 'knn',
  withoutImages: ({ knn }) => (knn ? ['knn'] : []),
  pieces({ group, model, config }) {
    const settings = { ...group.knn!, seed: config.seed };
    return [['kNN', { kind: 'knn', id: `${model.id}-knn`, settings, from: model.id, flops: 0, updates: 0 }]];
  },
};

const linear: StudyJudge = {
  name: 'linear',
  check: ({ linear }, _, within) => within('linear', () => parseLinprobeConfig(linear)),
  withoutImages: ({ linear }) =>
    linear && linear.test === undefined && linear.heldOut === undefined ? ['linear'] : [],
  pieces({ group, model, config }) {
    const settings = { ...group.linear, seed: config.seed };
    const id = `${model.id}-linear`;
    return [['linear', { kind: 'linear', id, settings, from: model.id, flops: 0, updates: 0 }]];
  },
};

const finetune: StudyJudge = {
  name: 'finetune',
  check(group, arm, within) {
    for (const [i, given] of group.finetune.entries())
      within(`finetune[${i}]`, () => {
        const settings = finetuneSettings(group, arm, given);
        requireOwnStart(settings);
        requireEpochs(resolveFinetuneConfig(settings).training.maxSteps);
      });
    const shares = group.finetune.map((given) => resolveFinetuneConfig(given).data.labels);
    if (new Set(shares).size < shares.length)
      throw new ConfigError(
        `finetune must have settings with a different data.labels each, got ${shares.join(', ')}`,
      );
  },
  withoutImages: ({ finetune }) => finetune.flatMap(({ data }, i) => (data?.test ? [] : [`finetune[${i}]`])),
  pieces: ({ group, arm, ...judged }) =>
    group.finetune.map((common) => {
      const given = finetuneSettings(group, arm, common);
      return [`fine-tune ${percent(given.data?.labels ?? 1)} %`, finetuning(given, judged)];
    }),
};

/** All judges, in the order of tables. */
export const studyJudges: readonly StudyJudge[] = [knn, linear, finetune, ...headNames.map(headJudge)];

/** The score of a judge, by the name that tables call it. */
export function measureOf(judge: string): string {
  return isHead(judge) ? heads[judge].measure : 'top-1';
}

/** The scores of several judges: `top-1`, `mIoU`, or `top-1 or box AP`. */
export function measuresOf(judges: readonly string[]): string {
  return [...new Set(judges.map(measureOf))].join(' or ');
}

/** Settings of an arm's fine-tuning: on the images of pre-training, and on its engine unless they name one. */
export function finetuneSettings(group: Group, arm: Arm, given: FinetuneInput): FinetuneInput {
  const { source, trainImages, heldOut } = pretrainConfig(group, arm, 0).data;
  const { engine = {} } = mergeConfig(group.pretrain, arm.settings ?? {});
  const data = { source, trainImages, heldOut };
  return mergeSettings({ engine }, given, arm.finetune ?? {}, { data }) as FinetuneInput;
}

function finetuning(
  given: FinetuneInput,
  { model, config, extra, images }: Omit<JudgedArm, 'group' | 'arm'>,
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

function percent(share: number): number {
  return Number((100 * share).toFixed(4));
}
