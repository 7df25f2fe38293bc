import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The built command, run in a folder. */
export function commandLine(folder: string) {
  /** Starts the command, or a shell line with the command as "$@". `onLine` gets every line of its output. */
  const launch = (
    args: readonly string[],
    {
      onLine = () => {},
      shell,
      env: given,
    }: {
      readonly onLine?: (line: string, child: ChildProcess) => void;
      readonly shell?: string;
      readonly env?: NodeJS.ProcessEnv;
    } = {},
  ): { readonly child: ChildProcess; readonly finished: Promise<Finished> } => {
    const env = {
      ...process.env,
      BEYOND_MASKING_DEBUG: '',
      BEYOND_MASKING_CACHE: join(folder, 'cache'),
      ...given,
    };
    const command = [process.execPath, main, ...args];
    const [program, ...rest] = shell === undefined ? command : ['bash', '-c', shell, 'bash', ...command];
    const child = spawn(program!, rest, { cwd: folder, env });
    let out = '';
    let err = '';
    let line = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const finished = new Promise<Finished>((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        out += text;
        const lines = (line + text).split('\n');
        line = lines.pop()!;
        try {
          for (const each of lines) onLine(each, child);
        } catch (error) {
          // Thrown here, it would end the file of tests and fail none of them.
          child.kill('SIGKILL');
          reject(error);
        }
      });
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, out, err }));
    });
    return { child, finished };
  };
  /** The same, waiting for its end. */
  const start = (
    args: readonly string[],
    onLine: (line: string, child: ChildProcess) => void = () => {},
  ): Promise<Finished> => launch(args, { onLine }).finished;
  return { launch, start, run: (...args: string[]) => start(args) };
}

/** Sends a signal when a run with --json reports this step. */
export function signalAt(signal: NodeJS.Signals, step: number) {
  return (line: string, child: ChildProcess): void => {
    const event = JSON.parse(line) as { type: string; row?: { step: number } };
    if (event.type === 'step' && event.row!.step >= step) child.kill(signal);
  };
}

/** Metrics of a run without times, and its newest checkpoint byte for byte. */
export async function outcome(path: string) {
  const lines = (await readFile(join(path, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  const rows = lines.map((line) => {
    const { seconds, imagesPerSecond, ...row } = JSON.parse(line);
    return row;
  });
  const newest = (await readdir(join(path, 'checkpoints'))).sort().at(-1)!;
  expect((await stat(join(path, 'curves.svg'))).size).toBeGreaterThan(1000);
  return { rows, newest, checkpoint: await readFile(join(path, 'checkpoints', newest)) };
}
