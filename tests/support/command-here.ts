import { join } from 'node:path';
import { afterAll, beforeAll, vi } from 'vitest';
import { explainError } from '../../src/cli/errors.ts';
import { makeProgram } from '../../src/cli/program.ts';
import type { Finished } from './command-line.ts';

/**
 * Runs the command in this process, with a folder as the working directory. Starting a process takes most of a
 * second. For commands that only print or refuse.
 */
export function commandHere(folder: string): (...args: readonly string[]) => Promise<Finished> {
  const before = { folder: process.cwd(), cache: process.env.BEYOND_MASKING_CACHE };
  beforeAll(() => {
    process.chdir(folder);
    process.env.BEYOND_MASKING_CACHE = join(folder, 'cache');
  });
  afterAll(() => {
    process.chdir(before.folder);
    if (before.cache === undefined) delete process.env.BEYOND_MASKING_CACHE;
    else process.env.BEYOND_MASKING_CACHE = before.cache;
  });
  return finished;
}

async function finished(...args: readonly string[]): Promise<Finished> {
  const output = { out: '', err: '' };
  const into = (stream: keyof typeof output, end: string) => (text: unknown) => {
    output[stream] += `${text}${end}`;
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(into('out', '')),
    vi.spyOn(process.stderr, 'write').mockImplementation(into('err', '')),
    vi.spyOn(console, 'log').mockImplementation(into('out', '\n')),
    vi.spyOn(console, 'error').mockImplementation(into('err', '\n')),
  ];
  try {
    await makeProgram().parseAsync(args, { from: 'user' });
    return { code: 0, ...output };
  } catch (error) {
    const { message, exitCode } = explainError(error, false);
    if (message) output.err += `${message}\n`;
    return { code: exitCode, ...output };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
