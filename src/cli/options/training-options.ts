import type { Command } from 'commander';
import type { z } from 'zod';
import { readConfig, runFolder } from '../../run/folder.ts';
import type { RunConfig, RunKind } from '../../run/kind.ts';
import { UsageError } from '../errors.ts';
import { tensorboardOption } from './options.ts';
import { addSetting, addShorthands, type Shorthands } from './shorthands.ts';
import { type TaskFileOptions, taskFileOption } from './task-file.ts';

/** The shorthands of every command that trains a model. */
export const trainingShorthands = {
  '--epochs <n>': 'training.epochs',
  '--max-steps <n>': 'training.maxSteps',
  '--batch-size <n>': 'training.batchSize',
  '--seed <n>': 'seed',
  '--save-every <steps>': 'checkpoints.every',
  '--backend, --engine <name>': 'engine.name',
  '--precision <type>': 'engine.precision',
} as const satisfies Shorthands;

/** Options of every training command that are not settings. */
export interface RunFlags extends TaskFileOptions {
  readonly recipe?: string;
  readonly quick?: boolean;
  readonly output?: string;
  readonly resume?: string | true;
  readonly set: readonly string[];
  readonly tensorboard?: boolean;
  readonly json?: boolean;
}

/** Adds the options of a command that trains a model: its shorthands, and those of every such command. */
export function addTrainingOptions(
  command: Command,
  schema: z.ZodType,
  shorthands: Shorthands,
  listed: string,
): Command {
  command
    .option('--recipe <name>', 'named settings to start from, see `list recipes`; others override them')
    .option('--quick', "the recipe's variant of a few minutes");
  addShorthands(command, schema, shorthands)
    .option('--output <folder>', 'folder of the run (default: runs/<recipe>)')
    .option(
      '--resume [folder]',
      'resume the run in FOLDER; without FOLDER, the run in --output, if there is one',
    );
  return addSetting(command, `any setting, see \`list ${listed}\`; may be repeated`)
    .addOption(taskFileOption())
    .addOption(tensorboardOption())
    .option('--json', 'print one JSON object a line');
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
