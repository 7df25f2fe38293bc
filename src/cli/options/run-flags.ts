import type { z } from 'zod';
import { mergeSettings } from '../../config/merge.ts';
import { parseSetting } from '../../config/overrides.ts';
import { readConfig, runFolder } from '../../run/folder.ts';
import type { RunConfig, RunKind } from '../../run/kind.ts';
import { UsageError } from '../errors.ts';

/** Options of every training command that are not settings. */
export interface RunFlags {
  readonly recipe?: string;
  readonly quick?: boolean;
  readonly output?: string;
  readonly resume?: string | true;
  readonly set: readonly string[];
  readonly tensorboard?: boolean;
  readonly json?: boolean;
}

/**
 * The recipe that is meant, and the folder of the run.
 * Throws UsageError for options that contradict each other, RunError where `--resume` names a folder without a run of the kind.
 * @param quickOf the name of a recipe's quick variant
 * @param unnamed the name of the folder of a run without a recipe
 */
export async function runOutput<C extends RunConfig>(
  { recipe, quick, output, resume }: RunFlags,
  kind: RunKind<C>,
  quickOf: (recipe: string) => string,
  unnamed: string,
): Promise<{ readonly recipe: string | undefined; readonly output: string }> {
  if (typeof resume === 'string') {
    if (output && output !== resume)
      throw new UsageError(`--resume and --output must name one folder, got ${resume} and ${output}`);
    await readConfig(runFolder(resume), kind); // a folder that is named must hold a run
  }
  if (quick && !recipe)
    throw new UsageError('--quick needs a recipe that has a quick variant, got none: see `list recipes`');
  const name = quick ? quickOf(recipe!) : recipe;
  return {
    recipe: name,
    output: typeof resume === 'string' ? resume : (output ?? `runs/${name ?? unnamed}`),
  };
}

/**
 * The settings of a command line, of which `--set` overrides the others. Throws ConfigError for an unknown one.
 * @param shorthands the settings that options are short for
 */
export function givenSettings<K extends string>(
  options: Partial<Record<NoInfer<K>, string>> & { readonly set: readonly string[] },
  shorthands: Readonly<Record<K, string>>,
  schema: z.ZodType,
): object {
  const short = (Object.keys(shorthands) as K[]).flatMap((option) => {
    const value = options[option];
    return value === undefined ? [] : [`${shorthands[option]}=${value}`];
  });
  return mergeSettings(...[...short, ...options.set].map((assignment) => parseSetting(assignment, schema)));
}

/** Gathers an option that may be repeated. */
export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}
