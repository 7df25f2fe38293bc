import { Option } from 'commander';
import { loadParts } from '../../parts/file.ts';
import type { Parts } from '../../parts/parts.ts';

/** The option of commands that take parts of the user's own. */
export function taskFileOption(): Option {
  return new Option(
    '--task-file <file>',
    'module (.mjs, .js; .ts where Node strips types) that exports tasks, masks, targets, sources, … of your own: docs/own-parts.md',
  );
}

/** The result of `taskFileOption`. */
export interface TaskFileOptions {
  readonly taskFile?: string | undefined;
}

/** The parts that the file exports; none without a file. Rejects with a PartError. */
export async function partsOf({ taskFile }: TaskFileOptions): Promise<Parts | undefined> {
  return taskFile === undefined ? undefined : loadParts(taskFile);
}
