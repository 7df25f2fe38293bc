import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../config/error.ts';
import { resolveFinetuneConfig } from '../config/finetune-recipes.ts';
import type { Config } from '../config/schema.ts';
import { split } from '../data/sources/dataset.ts';
import { labelledShare } from '../data/sources/labelled-share.ts';
import { openDataset, testSetOf } from '../data/sources/open.ts';
import type { OpenOptions } from '../data/sources/scheme.ts';
import { labelledSource } from '../data/sources/table.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { makeFolder } from '../io/make-folder.ts';
import { openData, type RunData } from '../run/data.ts';
import { RunError } from '../run/error.ts';
import { pretrainConfig } from './arms.ts';
import { type HeadName, headConfig, headNames, heads, isHead } from './head-judges.ts';
import { finetuneSettings } from './judges.ts';
import { FORMAT, readKeptFile } from './keep.ts';
import type { AnnotatedData } from './piece.ts';
import type { ImageCounts } from './pieces.ts';
import { planStudy, type StudyPlan } from './plan.ts';
import type { Study } from './schema.ts';

/** Numbers of images as they are kept: a study is planned from them where its images are not. */
const countsSchema = z.object({
  counts: z.record(
    z.string(),
    z.object({
      source: z.string(),
      train: z.number(),
      classes: z.number(),
      /** Of each share of the labels. */
      labelled: z.record(z.string(), z.number()),
    }),
  ),
});

type AllCounts = z.output<typeof countsSchema>['counts'];

export interface PlanOptions extends OpenOptions {
  /** Folder of the kept pieces, for the numbers of images. */
  readonly keep?: string | undefined;
}

/**
 * The pieces of a study on its images, which are fetched if need be; their numbers are kept. Throws DataError when they cannot
 * be used, RunError without classes.
 */
export async function openPlan(study: Study, options?: PlanOptions): Promise<StudyPlan> {
  return (await openPlanner(study, options))(study);
}

/** The same for this study and others on the same images, which are opened once. */
export async function openPlanner(
  study: Study,
  { keep, ...options }: PlanOptions = {},
): Promise<(study: Study) => StudyPlan> {
  const counts: AllCounts = {};
  const opened = new Map<string, Promise<RunData>>();
  const open = (config: Config) => {
    const { trainImages } = config.data;
    const key = keyOf({ ...config, seed: trainImages > 0 ? config.seed : 0 }); // only a limited number is chosen by the seed
    const data = opened.get(key) ?? openData(config, options);
    opened.set(key, data);
    return data;
  };
  for (const { config, shares, needsClasses } of wanted(study)) {
    const key = keyOf(config);
    const known = counts[key];
    if (known && shares.every((share) => share in known.labelled)) continue;
    const { train } = await open(config);
    if (needsClasses && !train.classes)
      throw new RunError(`a study needs images with classes: ${labelledSource}, got ${train.name}`);
    const labelled = shares.map((share) => [share, labelledShare(train, share, config.seed).length]);
    counts[key] = {
      ...{ source: config.data.source, train: train.length, classes: train.classes?.length ?? 0 },
      labelled: { ...known?.labelled, ...Object.fromEntries(labelled) },
    };
  }
  for (const { judge, data } of annotatedData(study))
    counts[annotatedKey(judge, data)] ??= await annotatedCounts(judge, data, options);
  if (keep !== undefined) {
    const path = countsFile(keep);
    const before = await readKeptFile(path, countsSchema);
    const all = { ...before?.counts, ...counts };
    await makeFolder(keep);
    await writeFileAtomic(path, `${JSON.stringify({ format: FORMAT, counts: all }, null, 2)}\n`);
  }
  return (planned) => planFrom(planned, counts);
}

/** The same as `openPlan` from the kept files, without images. Throws RunError if they do not suffice. */
export async function keptPlan(study: Study, keep: string): Promise<StudyPlan> {
  const path = countsFile(keep);
  const kept = await readKeptFile(path, countsSchema);
  if (!kept) throw new RunError(`the folder of kept pieces must hold images.json, got none: ${path}`);
  return planFrom(study, kept.counts);
}

function planFrom(study: Study, counts: AllCounts): StudyPlan {
  return planStudy(study, (config): ImageCounts => {
    const known = counts[keyOf(config)];
    if (!known) throw unknown(config.data.source);
    return {
      ...known,
      labelled(share) {
        const count = known.labelled[share];
        if (count === undefined) throw unknown(`${share} of ${config.data.source}`);
        return count;
      },
      annotated(judge, data) {
        const annotated = counts[annotatedKey(judge, data)];
        if (!annotated) throw unknown(data.source);
        return annotated;
      },
    };
  });
}

function unknown(what: string): ConfigError {
  return new ConfigError(
    `the number of images must be known, got none kept for ${what}: run the study with --keep where its images are`,
  );
}

/** The settings that images depend on, and the shares of their labels that are asked for. */
function wanted({ groups }: Study): { config: Config; shares: number[]; needsClasses: boolean }[] {
  return groups.flatMap((group) =>
    group.arms.flatMap((arm) => {
      const shares = group.finetune.map(
        (given) => resolveFinetuneConfig(finetuneSettings(group, arm, given)).data.labels,
      );
      const needsClasses = !arm.judges.every(isHead);
      return arm.seeds.map((seed) => ({ config: pretrainConfig(group, arm, seed), shares, needsClasses }));
    }),
  );
}

function keyOf({ data: { source, heldOut, trainImages }, seed }: Config): string {
  return JSON.stringify([source, heldOut, trainImages, seed]);
}

/** The settings of the images of all judges that have separate ones. */
function annotatedData({ groups }: Study): { judge: HeadName; data: AnnotatedData }[] {
  return groups.flatMap((group) =>
    group.arms.flatMap((arm) =>
      headNames
        .filter((judge) => arm.judges.includes(judge))
        .map((judge) => ({ judge, data: headConfig(judge, group, arm).data })),
    ),
  );
}

function annotatedKey(judge: HeadName, { source, test, heldOut, trainImages }: AnnotatedData): string {
  return JSON.stringify([judge, source, test, heldOut, trainImages]);
}

async function annotatedCounts(
  judge: HeadName,
  { source, test, heldOut, trainImages }: AnnotatedData,
  options: OpenOptions,
): Promise<AllCounts[string]> {
  const all = await openDataset(source, options);
  const { images, example, classes: classesOf } = heads[judge];
  const classes = classesOf(all);
  if (!classes) throw new RunError(`the judge ${judge} needs ${images}: ${example}, got ${all.name}`);
  const train = test !== '' || testSetOf(source) ? all : split(all, heldOut).train;
  const count = trainImages > 0 ? Math.min(trainImages, train.length) : train.length;
  return { source, train: count, classes: classes.length, labelled: {} };
}

function countsFile(keep: string): string {
  return join(keep, 'images.json');
}
