import { CommanderError } from 'commander';
import { ConfigError } from '../config/error.ts';

/** The command line itself is wrong: an argument is missing or does not fit. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What a failed command prints, and the exit code it ends with: 2 for usage and settings, 1 for everything else. */
export function explainError(error: unknown, debug: boolean): { message: string; exitCode: number } {
  // Commander has printed its own message already; its exit code is 0 after --help and --version.
  if (error instanceof CommanderError) return { message: '', exitCode: error.exitCode === 0 ? 0 : 2 };
  const exitCode = error instanceof ConfigError || error instanceof UsageError ? 2 : 1;
  if (!(error instanceof Error)) return { message: `error: ${String(error)}`, exitCode };
  if (debug) return { message: error.stack ?? error.message, exitCode };
  return { message: `error: ${systemMessage(error) ?? error.message}`, exitCode };
}

/** Plain words for the system's most common refusals. */
function systemMessage(error: NodeJS.ErrnoException): string | undefined {
  const rules: Readonly<Record<string, string>> = {
    ENOENT: 'the file or folder does not exist',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EISDIR: 'a file is needed, this is a folder',
    ENOTDIR: 'a folder is needed, this is a file',
    ENOSPC: 'the disk is full',
    EROFS: 'the disk is read-only',
  };
  const rule = rules[error.code ?? ''];
  return rule && error.path ? `${rule}: ${error.path}` : rule;
}
