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
  tokens?: string;
  cache: boolean;
}

/** Tokens that are features: names on the command line, `token` being an earlier one, and in settings. */
const TOKENS = { mean: 'mean', class: 'token', token: 'token', patch: 'patch' } as const;
type Tokens = (typeof TOKENS)[keyof typeof TOKENS];

/** @param patches true: each patch can have its features */
export function addFeatureOptions(command: Command, patches = false): Command {
  return addEngineOptions(
    command
      .option(
        '--pooling, --tokens <kind>',
        `tokens that become the features: mean (of the patches), class${patches ? ', patch (each of them)' : ''} (default: as the head)`,
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
export async function featureOptions({ tokens, cache, taskFile, ...options }: FeatureOptions) {
  const pooling = tokensOf(tokens);
  if (pooling === 'patch')
    throw new UsageError(
      '--tokens must be mean or class here, got "patch": `embed` writes features of patches',
    );
  return { pooling, ...(await otherFeatureOptions({ cache, taskFile, ...options })) };
}

/** The same where each patch can have its features. Throws UsageError. */
export async function patchOptions({ tokens, ...options }: FeatureOptions) {
  return { pooling: tokensOf(tokens), ...(await otherFeatureOptions(options)) };
}

/** The tokens in settings. Throws UsageError for other names. */
function tokensOf(name: string | undefined): Tokens | undefined {
  if (name === undefined) return undefined;
  if (Object.hasOwn(TOKENS, name)) return TOKENS[name as keyof typeof TOKENS];
  throw new UsageError(`--tokens must be mean, class or patch, got "${name}"`);
}

async function otherFeatureOptions({ cache, taskFile, ...options }: Omit<FeatureOptions, 'tokens'>) {
  return {
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
