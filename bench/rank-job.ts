import { type ChildProcess, spawn } from 'node:child_process';
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

/** The words that start a rank. */
export const rankCommand = (job: RankJob): string[] => [
  process.execPath,
  fileURLToPath(new URL('rank-step.js', import.meta.url)),
  JSON.stringify(job),
];

/** Runs a command to its end, and reads its lines of JSON. Throws Error with its output if it fails. */
export async function linesOf<T>(command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<T[]> {
  const child = spawn(command[0]!, command.slice(1), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { status, output } = await finished(child);
  if (status !== 0) throw new Error(`${command.slice(0, 4).join(' ')} … ended with ${status}: ${output}`);
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as T);
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
