import { CommanderError } from 'commander';
import { ConfigError } from '../config/error.ts';
import { plainMessage } from '../io/system-error.ts';
import { terminalText } from '../text/one-line.ts';

/** The command line itself is wrong: an argument is missing or does not fit. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Output of a failed command and its exit code: 2 for usage and settings, 1 for everything else. */
export function explainError(error: unknown, debug: boolean): { message: string; exitCode: number } {
  // Commander has printed its own message already; its exit code is 0 after --help and --version.
  if (error instanceof CommanderError) return { message: '', exitCode: error.exitCode === 0 ? 0 : 2 };
  const exitCode = error instanceof ConfigError || error instanceof UsageError ? 2 : 1;
  if (!(error instanceof Error)) return { message: `error: ${terminalText(String(error))}`, exitCode };
  if (debug) return { message: error.stack ?? error.message, exitCode };
  return { message: `error: ${terminalText(plainMessage(error))}`, exitCode };
}
