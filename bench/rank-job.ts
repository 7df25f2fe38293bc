import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SoakResult } from '#dist/bench/soak.js';
import { type BenchStep, pretrainStep } from '#dist/bench/step.js';
import { modelConfig } from '#dist/models/sizes.js';

/** Steps that ranks take together. */
export interface RankJob {
  readonly model: string;
  /** Images of all ranks. */
  readonly batch: number;
  readonly engine: string;
  /** Of each rank. */
  readonly threads: number;
  /** Number of timed steps. */
  readonly steps: number;
}

export interface RankResult {
  readonly rank: number;
  readonly size: number;
  readonly engine: string;
  /** Of all steps from the first. */
  readonly losses: readonly number[];
  /** Of the timed steps. */
  readonly seconds: readonly number[];
  /** Median of the time from a rank's gradients to the end of its step. */
  readonly afterGradients: number;
  /** Size of the weights, and so of the gradients. */
  readonly bytes: number;
  /** Resident memory, for fifty steps or more. */
  readonly memory?: Pick<SoakResult, 'early' | 'late' | 'growth'>;
}

/** A rank's step: its rows of the images and draws of the whole batch. */
export function shareStep({ model, batch }: RankJob, rank: number, size: number): BenchStep {
  const config = modelConfig(model);
  const { inputs } = pretrainStep(config, 'masked', batch);
  const rows = Object.entries(inputs).map(([name, data]) => {
    const each = data.length / size;
    return [name, data.slice(rank * each, (rank + 1) * each)] as const;
  });
  return { ...pretrainStep(config, 'masked', batch / size), inputs: Object.fromEntries(rows) };
}

/**
 * Runs the ranks of a job to their end; their results in the order of the ranks. Each writes a file, because launchers merge long lines
 * of several ranks. Throws Error with the output if the command fails.
 * @param start the words that start a rank's command on the ranks
 */
export async function rankResults(
  job: RankJob,
  start: (command: readonly string[]) => readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<RankResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rank-results-'));
  try {
    const script = fileURLToPath(new URL('rank-step.js', import.meta.url));
    await outputOf(start([process.execPath, script, JSON.stringify(job), folder]), env);
    const texts = (await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8'));
    const results = (await Promise.all(texts)).map((text) => JSON.parse(text) as RankResult);
    return results.sort((a, b) => a.rank - b.rank);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Runs a command to its end, and reads its lines of JSON. Throws Error with its output if it fails. */
export async function linesOf<T>(command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<T[]> {
  return (await outputOf(command, env))
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as T);
}

async function outputOf(command: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(command[0]!, command.slice(1), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { status, output } = await finished(child);
  if (status !== 0) throw new Error(`${command.slice(0, 4).join(' ')} … ended with ${status}: ${output}`);
  return output;
}

function finished(child: ChildProcess): Promise<{ status: number | string; output: string }> {
  let output = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (text) => {
      output += text;
    });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status: status ?? signal ?? -1, output }));
  });
}
