import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { DetectInput } from '../config/detect-schema.ts';
import { ConfigError } from '../config/error.ts';
import { explain } from '../config/explain.ts';
import { oneOf, section, taskName, text, whole } from '../config/fields.ts';
import type { FinetuneInput } from '../config/finetune-schema.ts';
import type { LinprobeInput } from '../config/linprobe-schema.ts';
import { mergeConfig } from '../config/overrides.ts';
import type { ConfigInput } from '../config/schema.ts';
import type { SegmentInput } from '../config/segment-schema.ts';
import { testSetOf } from '../data/sources/open.ts';
import { suggestion } from '../text/nearest.ts';
import {
  type Arm,
  budgets,
  type Group,
  pretrainConfig,
  requireEpochs,
  requireOwnStart,
  SCRATCH,
} from './arms.ts';
import { judgeFields, studyJudges } from './judges.ts';

const settings = () => z.record(z.string(), z.unknown(), { error: 'must be a group of settings' });
const list = <T extends z.ZodType>(item: T, of: string) => {
  const error = `must be a list of one or more ${of}, each once`;
  const unique = (items: readonly unknown[]) => new Set(items.map((i) => JSON.stringify(i))).size;
  return z.array(item, { error }).refine((items) => items.length > 0 && unique(items) === items.length, {
    error,
  });
};
const name = () =>
  text().refine((given) => /[\p{L}\p{N}]/u.test(given), {
    error: 'must be a text with a letter or digit in it',
  });
const seeds = () => list(whole(0), 'seeds');

const judges = studyJudges.map(({ name }) => name);
const armTask = taskName(SCRATCH);
const arm = z.union([
  armTask,
  section({
    name: name().describe('what tables call the arm'),
    task: armTask.describe('what it is pre-trained with, or scratch'),
    settings: settings().optional().describe('settings of pre-training, over those of the group'),
    finetune: settings().optional().describe('settings of fine-tuning, over those of the group'),
    segment: settings().optional().describe('settings of segmentation, over those of the group'),
    detect: settings().optional().describe('settings of detection, over those of the group'),
    seeds: seeds().optional().describe('its seeds, in place of those of the group'),
    epochs: whole(1).optional().describe('epochs of pre-training; the warm-up changes in proportion'),
    judges: list(oneOf(judges), 'judges').optional().describe('judges, in place of those of the group'),
  }),
]);

const groupFields = {
  arms: list(arm, 'arms').optional().describe('tasks to pre-train with, or scratch; or objects'),
  seeds: seeds().optional().describe('every arm is run once with each'),
  budgets: list(oneOf(budgets), 'budgets').optional().describe('what arms have in common; default: both'),
  judges: list(oneOf(judges), 'judges').optional().describe('judges of the group; default: all'),
  pretrain: settings().optional().describe('settings of pre-training, for all arms; a recipe may be named'),
  ...judgeFields,
};

const studySchema = section({
  title: text().optional().describe('heading of the page'),
  ...groupFields,
  groups: list(section({ name: name(), ...groupFields }), 'groups')
    .optional()
    .describe('groups of arms that are compared; what one leaves out is that of the study'),
  order: list(
    section({
      group: text().describe('name of a group'),
      seeds: seeds().optional(),
      arms: list(text(), 'names of arms').optional(),
    }),
    'selections',
  )
    .optional()
    .describe('what is run first, second, …; the rest follows'),
  primary: section({
    group: text().describe('name of a group'),
    judge: text().describe('as tables call it: kNN, linear, fine-tune 10 %, segment, detect'),
    arms: z
      .tuple([text(), text()], { error: 'must be the names of two arms' })
      .describe('two arms: how much better the first one is'),
  })
    .optional()
    .describe('the one question that was asked beforehand; all else is exploratory'),
  references: list(
    section({
      name: text().describe('whose scores these are'),
      group: text().describe('name of a group'),
      scores: z.record(z.string(), z.number(), { error: 'must be a group of numbers' }),
    }),
    'references',
  )
    .optional()
    .describe("published scores, whose order is compared with that of a group's arms"),
});

/** Some of the cells of a study. */
export interface Selection {
  readonly group: string;
  readonly seeds?: readonly number[] | undefined;
  readonly arms?: readonly string[] | undefined;
}

/** The one question that a study asks: how much better the first arm is than the second. */
export interface Primary {
  readonly group: string;
  /** `kNN`, `linear`, `fine-tune 10 %`, `segment`, `detect`. */
  readonly judge: string;
  readonly arms: readonly [string, string];
}

/** Scores that others published, by the names of arms of a group: their order is compared. */
export interface Reference {
  readonly name: string;
  readonly group: string;
  readonly scores: Readonly<Record<string, number>>;
}

/** A study: groups of arms × seeds × judges, what is run first, and what is asked. */
export interface Study {
  readonly title?: string | undefined;
  readonly groups: readonly Group[];
  readonly order: readonly Selection[];
  readonly primary?: Primary | undefined;
  readonly references: readonly Reference[];
}

type GivenStudy = z.output<typeof studySchema>;
type GivenGroup = Omit<NonNullable<GivenStudy['groups']>[number], 'name'>;

/** Reads the file of a study. Throws ConfigError as `parseStudy`, or the system's error. */
export async function readStudy(path: string): Promise<Study> {
  return parseStudy(await readStudyFile(path));
}

/** The content of a study's file, unchecked. Throws ConfigError where it is no JSON, or the system's error. */
export async function readStudyFile(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`the file of a study must be JSON, got ${path}: ${(error as Error).message}`);
  }
}

/**
 * Checks a study and the settings in it. Throws ConfigError naming each wrong part, the rule and what it got.
 */
export function parseStudy(input: unknown): Study {
  const result = studySchema.safeParse(input);
  if (!result.success) throw new ConfigError(explain(result.error.issues, input, studySchema));
  const { title, groups: given, order = [], primary, references = [], ...common } = result.data;
  const groups = given
    ? given.map(({ name, ...own }) => group(name, merged(common, own)))
    : [group('', common)];
  requireOnce(
    'groups',
    groups.map(({ name }) => name),
  );
  for (const own of groups) checkGroup(own);
  for (const { group, arms = [] } of order) requireArms('order', group, arms, groups);
  for (const { group, scores } of references) requireArms('references', group, Object.keys(scores), groups);
  if (primary) requireArms('primary', primary.group, primary.arms, groups);
  return { ...(title !== undefined && { title }), groups, order, ...(primary && { primary }), references };
}

/** A group inherits missing parts from the study. Its settings of pre-training override those of the study. */
function merged(common: GivenGroup, own: GivenGroup): GivenGroup {
  const said = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  const pretrain = mergeConfig((common.pretrain ?? {}) as ConfigInput, (own.pretrain ?? {}) as ConfigInput);
  return { ...common, ...said, pretrain };
}

function group(name: string, given: GivenGroup): Group {
  const where = ofGroup(name);
  const { arms, seeds, pretrain } = given;
  if (!arms) throw new ConfigError(`arms must be a list of one or more arms, each once, got nothing${where}`);
  if (!pretrain) throw new ConfigError(`pretrain must be a group of settings, got nothing${where}`);
  const has = (settings: unknown) => (Array.isArray(settings) ? settings.length > 0 : settings !== undefined);
  const all: readonly string[] = judges.filter((judge) => has(given[judge]));
  const wanted = given.judges ?? all;
  const complete = arms.map((arm) => {
    const { seeds: own, judges: chosen, ...rest } = typeof arm === 'string' ? { name: arm, task: arm } : arm;
    const of = own ?? seeds;
    if (!of)
      throw new ConfigError(`seeds must be a list of one or more seeds, each once, got nothing${where}`);
    return {
      ...rest,
      seeds: of,
      judges: judges.filter((judge) => (chosen ?? wanted).includes(judge)),
    } as Arm;
  });
  for (const judge of new Set(complete.flatMap((arm) => arm.judges)))
    if (!all.includes(judge))
      throw new ConfigError(`the judge ${judge} needs its settings, got none${where}`);
  return {
    name,
    arms: complete,
    budgets: budgets.filter((budget) => (given.budgets ?? budgets).includes(budget)),
    pretrain: pretrain as ConfigInput,
    ...(given.knn && { knn: given.knn }),
    ...(given.linear && { linear: given.linear as LinprobeInput }),
    finetune: (given.finetune ?? []) as FinetuneInput[],
    ...(given.segment && { segment: given.segment as SegmentInput }),
    ...(given.detect && { detect: given.detect as DetectInput }),
  };
}

function checkGroup(group: Group): void {
  const where = ofGroup(group.name) || ' of the study';
  requireOnce(
    `arms${where}`,
    group.arms.map((arm) => arm.name),
  );
  for (const arm of group.arms) {
    const part = arm.settings || arm.epochs !== undefined ? `the arm "${arm.name}"` : 'pretrain';
    within(`${part}${where}`, () => {
      requireOwnStart({ ...group.pretrain, ...arm.settings });
      requireEpochs(pretrainConfig(group, arm, 0).training.maxSteps);
    });
    const own = studyJudges.filter(({ name }) => group[name] !== undefined);
    for (const judge of own) judge.check?.(group, arm, (part, check) => within(`${part}${where}`, check));
    requireJudgedImages(group, arm);
  }
  if (group.arms.some((arm) => arm.judges.length === 0))
    throw new ConfigError(
      `a study needs a judge, got none of ${judges.slice(0, -1).join(', ')} and ${judges.at(-1)}`,
    );
}

/** The parts of a study must name existing groups and arms. */
function requireArms(part: string, name: string, arms: readonly string[], groups: readonly Group[]): void {
  const group = groups.find((candidate) => candidate.name === name);
  const names = groups.map((candidate) => candidate.name);
  if (!group)
    throw new ConfigError(
      `${part} must name a group of the study, got "${name}"${suggestion(name, names) || ` (${names.join(', ')})`}`,
    );
  const known = group.arms.map((arm) => arm.name);
  for (const arm of arms)
    if (!known.includes(arm))
      throw new ConfigError(
        `${part} must name arms of group ${name}, got "${arm}"${suggestion(arm, known) || ` (${known.join(', ')})`}`,
      );
}

/** Judges need images that pre-training held out, or others. */
function requireJudgedImages(group: Group, arm: Arm): void {
  const { source, heldOut } = pretrainConfig(group, arm, 0).data;
  if (heldOut > 0 || testSetOf(source)) return;
  const without = studyJudges.flatMap((judge) => judge.withoutImages(group));
  if (without.length > 0)
    throw new ConfigError(
      `data.heldOut of pretrain must be above 0 where judges have no test images, got 0 and ${without.join(', ')}`,
    );
}

function requireOnce(what: string, names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new ConfigError(`${what} must have different names, got "${twice}" twice`);
}

function ofGroup(name: string): string {
  return name === '' ? '' : ` of group ${name}`;
}

/** Errors of settings say where in the study the settings stand. */
function within(part: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError(`in ${part}: ${error.message}`);
    throw error;
  }
}
