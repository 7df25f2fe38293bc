import type { Command } from 'commander';
import type { OpenOptions } from '../../data/sources/scheme.ts';
import { checkedParts } from '../../parts/check.ts';
import { UsageError } from '../errors.ts';
import { IMAGE_OPTION, imageSize } from './heads-options.ts';
import { engineOption, optionalEngine, reportBroken, tellNote, wholeNumber } from './options.ts';
import { partsOf, type TaskFileOptions, taskFileOption } from './task-file.ts';

/** Options of commands that run a model. */
export interface EngineOptions {
  imagesAtOnce?: string;
  heads?: string;
  image?: string;
  engine?: string;
}

export function addEngineOptions(command: Command): Command {
  return command
    .option('--images-at-once <n>', 'images that the engine takes at once')
    .option('--heads <n>', "attention heads, if another project's file does not name them")
    .option(...IMAGE_OPTION)
    .addOption(engineOption("engine (default: the run's)"));
}

/** The same, as library calls take them. Throws UsageError. */
export async function engineOptions({ imagesAtOnce, heads, image, engine }: EngineOptions) {
  return {
    imagesAtOnce: imagesAtOnce === undefined ? undefined : wholeNumber('--images-at-once', imagesAtOnce, 1),
    heads: heads === undefined ? undefined : wholeNumber('--heads', heads, 1),
    image: imageSize(image),
    engine: await optionalEngine(engine),
    broken: reportBroken(),
    onNote: tellNote,
  };
}

/** Options of commands that compute features. */
export interface FeatureOptions extends EngineOptions, TaskFileOptions {
  pooling?: string;
  cache: boolean;
}

export function addFeatureOptions(command: Command): Command {
  return addEngineOptions(
    command
      .option(
        '--pooling <kind>',
        "mean of the patches' tokens or class token: mean, token (default: as the head)",
      )
      .addOption(taskFileOption())
      .option('--no-cache', 'neither look for features on the disk nor keep them there, see `cache`'),
  );
}

/** Note on the features that are kept after Ctrl-C; undefined for the default. */
export function keptFeatures({ cache }: Pick<FeatureOptions, 'cache'>): string | undefined {
  return cache ? undefined : 'nothing was kept, as --no-cache says';
}

/** The same, as library calls take them. Throws UsageError. */
export async function featureOptions({ pooling, cache, taskFile, ...options }: FeatureOptions) {
  if (pooling !== undefined && pooling !== 'mean' && pooling !== 'token')
    throw new UsageError(`--pooling must be mean or token, got "${pooling}"`);
  return {
    pooling: pooling as 'mean' | 'token' | undefined,
    featureCache: cache ? undefined : (false as const),
    ...(await sourcesOf({ taskFile })),
    ...(await engineOptions(options)),
  };
}

/** Sources of the user's own. */
async function sourcesOf(options: TaskFileOptions): Promise<Pick<OpenOptions, 'sources'>> {
  const { sources } = await checkedParts(await partsOf(options));
  return sources ? { sources } : {};
}
