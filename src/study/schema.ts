import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ConfigError } from '../config/error.ts';
import { explain } from '../config/explain.ts';
import { oneOf, section, whole } from '../config/fields.ts';
import { resolveFinetuneConfig } from '../config/finetune-recipes.ts';
import type { FinetuneInput } from '../config/finetune-schema.ts';
import { type LinprobeInput, parseLinprobeConfig } from '../config/linprobe-schema.ts';
import { mergeConfig, mergeSettings } from '../config/overrides.ts';
import { resolveConfig } from '../config/recipes.ts';
import type { Config, ConfigInput } from '../config/schema.ts';
import { testSetOf } from '../evaluate/labelled-images.ts';
import { taskNames } from '../tasks/table.ts';

/** The arm that is not pre-trained. */
export const SCRATCH = 'scratch';

const settings = () => z.record(z.string(), z.unknown(), { error: 'must be a group of settings' });
const list = <T extends z.ZodType>(item: T, of: string) => {
  const error = `must be a list of one or more ${of}, each once`;
  return z
    .array(item, { error })
    .refine(
      (items) => items.length > 0 && new Set(items.map((i) => JSON.stringify(i))).size === items.length,
      {
        error,
      },
    );
};

const studySchema = section({
  arms: list(oneOf([SCRATCH, ...taskNames]), 'arms').describe('tasks to pre-train with, or scratch'),
  seeds: list(whole(0), 'seeds').describe('every arm is run once with each'),
  pretrain: settings().describe('settings of pre-training, for all arms; a recipe may be named'),
  knn: section({
    trainImages: whole(0).default(10_000).describe('most images that vote; 0: all'),
    testImages: whole(0).default(0).describe('most images that are classified; 0: all'),
  })
    .optional()
    .describe('judges features by their nearest neighbours'),
  linear: settings().optional().describe('settings of linear probes'),
  finetune: z
    .array(settings(), { error: 'must be a list of settings' })
    .default([])
    .describe('settings of fine-tuning, for each share of the labels (data.labels)'),
});

/** A study: arms × seeds × judges. */
export interface Study {
  readonly arms: readonly string[];
  readonly seeds: readonly number[];
  readonly pretrain: ConfigInput;
  readonly knn?: { readonly trainImages: number; readonly testImages: number } | undefined;
  readonly linear?: LinprobeInput | undefined;
  readonly finetune: readonly FinetuneInput[];
}

/** Reads the file of a study. Throws ConfigError as {@link parseStudy}, or the system's error. */
export async function readStudy(path: string): Promise<Study> {
  const text = await readFile(path, 'utf8');
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`the file of a study must be JSON, got ${path}: ${(error as Error).message}`);
  }
  return parseStudy(input);
}

/**
 * Checks a study and the settings in it. Throws ConfigError naming each wrong part, the rule and what it got.
 */
export function parseStudy(input: unknown): Study {
  const result = studySchema.safeParse(input);
  if (!result.success) throw new ConfigError(explain(result.error.issues, input, studySchema));
  const given = result.data as Study;
  for (const arm of given.arms)
    within('pretrain', () => {
      requireOwnStart(given.pretrain);
      requireEpochs(pretrainConfig(given, arm, 0).training.maxSteps);
    });
  const study = {
    ...given,
    finetune: given.finetune.map((settings, i) => {
      const own = onTheSame(given, settings);
      within(`finetune[${i}]`, () => {
        requireOwnStart(own);
        requireEpochs(resolveFinetuneConfig(own).training.maxSteps);
      });
      return own;
    }),
  };
  if (given.linear) within('linear', () => parseLinprobeConfig(given.linear));
  const shares = study.finetune.map((given) => resolveFinetuneConfig(given).data.labels);
  if (new Set(shares).size < shares.length)
    throw new ConfigError(
      `finetune must have settings with data.labels of its own each, got ${shares.join(', ')}`,
    );
  requireJudgedImages(study);
  if (!study.knn && !study.linear && study.finetune.length === 0)
    throw new ConfigError('a study needs a judge, got none of knn, linear and finetune');
  return study;
}

/** Settings of fine-tuning on the images of pre-training, and on its engine unless they name one. */
function onTheSame(study: Study, settings: FinetuneInput): FinetuneInput {
  const { source, trainImages, heldOut } = pretrainConfig(study, study.arms[0]!, 0).data;
  const { engine = {} } = study.pretrain;
  return mergeSettings({ engine }, settings, { data: { source, trainImages, heldOut } }) as FinetuneInput;
}

/** Arms start from random weights, and what follows from what the arms gave. */
function requireOwnStart({ from }: { readonly from?: string | undefined }): void {
  if (from) throw new ConfigError(`from must be left to the study, got "${from}"`);
}

/** Judges need images that pre-training held out, or others. */
function requireJudgedImages(study: Study): void {
  const { source, heldOut } = pretrainConfig(study, study.arms[0]!, 0).data;
  if (heldOut > 0 || testSetOf(source)) return;
  const { knn, linear, finetune } = study;
  const lacking = [
    ...(knn ? ['knn'] : []),
    ...(linear && linear.test === undefined && linear.heldOut === undefined ? ['linear'] : []),
    ...finetune.flatMap(({ data }, i) => (data?.test ? [] : [`finetune[${i}]`])),
  ];
  if (lacking.length > 0)
    throw new ConfigError(
      `data.heldOut of pretrain must be above 0 where judges have no test images of their own, got 0 and ${lacking.join(', ')}`,
    );
}

/** Arms are compared by whole epochs. */
function requireEpochs(maxSteps: number): void {
  if (maxSteps > 0)
    throw new ConfigError(`training.maxSteps must be 0 in a study, which counts epochs, got ${maxSteps}`);
}

/** What a study says of the pre-training of an arm; for scratch, of a model that is not trained. */
export function pretrainSettings({ pretrain }: Study, arm: string, seed: number): ConfigInput {
  const task = arm === SCRATCH ? {} : { task: { name: arm as Config['task']['name'] } };
  return mergeConfig(pretrain, task, { seed });
}

/** The same, complete. */
export function pretrainConfig(study: Study, arm: string, seed: number): Config {
  return resolveConfig(pretrainSettings(study, arm, seed));
}

/** Errors of settings say where in the study the settings stand. */
function within(part: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError(`in ${part} of the study: ${error.message}`);
    throw error;
  }
}
