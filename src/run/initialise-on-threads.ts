import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { sizeOf } from '../graph/index.ts';
import { workerScript } from '../io/worker-script.ts';
import { initialise } from '../nn/init.ts';
import type { ParameterSpec } from '../nn/parameters.ts';

export interface WorkerTask {
  readonly specs: readonly ParameterSpec[];
  readonly seed: number;
}

export type Weights = Record<string, Float32Array>;

const script = workerScript(import.meta.url, 'initialise-worker');
const MOST = 8; // threads
const SMALL = 4e6; // numbers that are drawn sooner than a thread starts

/** The weights of `initialise`, drawn by several threads if there are many: ViT-B takes one thread two seconds. */
export async function initialiseOnThreads(specs: readonly ParameterSpec[], seed: number): Promise<Weights> {
  const drawn = specs.filter(({ init }) => init.kind === 'truncatedNormal' || init.kind === 'uniform');
  const numbers = drawn.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const threads = Math.min(MOST, availableParallelism());
  if (threads === 1 || numbers < SMALL) return initialise(specs, seed);
  const others = initialise(
    specs.filter((spec) => !drawn.includes(spec)),
    seed,
  );
  const made = await Promise.all(shares(drawn, threads).map((share) => onThread({ specs: share, seed })));
  const all: Weights = Object.assign(others, ...made);
  return Object.fromEntries(specs.map(({ name }) => [name, all[name]!]));
}

/** Tensors in parts of about the same size: the largest ones first, each to the part that has least. */
function shares(specs: readonly ParameterSpec[], count: number): ParameterSpec[][] {
  const parts = Array.from({ length: count }, () => ({ specs: [] as ParameterSpec[], size: 0 }));
  for (const spec of specs.toSorted((a, b) => sizeOf(b.shape) - sizeOf(a.shape))) {
    const part = parts.reduce((least, other) => (other.size < least.size ? other : least));
    part.specs.push(spec);
    part.size += sizeOf(spec.shape);
  }
  return parts.map((part) => part.specs);
}

function onThread(task: WorkerTask): Promise<Weights> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(script, { workerData: task });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) =>
      reject(new Error(`a thread that draws weights has ended: exit code ${code}`)),
    );
  });
}
