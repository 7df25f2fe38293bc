import { availableParallelism } from 'node:os';
import type { EngineInput } from '../config/engine.ts';
import { parseConfig } from '../config/schema.ts';
import type { Backend } from '../engines/engine.ts';
import type { Timing } from '../engines/timing.ts';
import type { Values } from '../graph/index.ts';
import { modelConfig } from '../models/sizes.ts';
import { openEngine } from '../run/engine.ts';
import { initialiseOnThreads } from '../run/initialise-on-threads.ts';
import { loaderRate } from './loader-rate.ts';
import { machine, median } from './machine.ts';
import { type Measure, measure } from './measure.ts';
import { measurePeer, type PeerMeasure, requirePeer } from './peer.ts';
import { type BenchStep, finetuneStep, pretrainStep } from './step.ts';

export interface BenchOptions {
  /** Name of a size. Default: base. */
  readonly model?: string;
  /** Pretext tasks, or variants as `masked-cross`, which take turns; the first one is looked into. Default: masked. */
  readonly tasks?: readonly string[];
  /** Fine-tuning in place of pretext tasks. */
  readonly finetune?: boolean;
  /** Images of a step. Default: 32. */
  readonly batch?: number;
  /** Steps that count. Default: 5. */
  readonly steps?: number;
  readonly engine?: EngineInput;
  /** Pythons with PyTorch to compare with. */
  readonly compare?: readonly string[];
  /** Modes of PyTorch, with commas between them. Default: eager,compile. */
  readonly modes?: string;
  readonly onProgress?: (what: string, done: number, total: number) => void;
  /** Called with what a person should know of the engine that was opened. */
  readonly onNote?: (message: string) => void;
  /** Ends it: the call rejects with its reason. */
  readonly signal?: AbortSignal;
}

export interface BenchRow {
  readonly task: string;
  readonly stepSeconds: number;
  /** Median of a step's time beside that of the first task in the same turn: a machine that slows down does so for both. */
  readonly timeToFirst: number;
  /** Least and most of the steps that count. */
  readonly spread: readonly [number, number];
  readonly imagesPerSecond: number;
  /** Rate of the step's products and convolutions over the whole step. */
  readonly gflops: number;
}

export interface BenchResult {
  readonly machine: string;
  readonly engine: string;
  readonly model: string;
  readonly batch: number;
  readonly rows: readonly BenchRow[];
  /** Least times of the step's products and convolutions, over the least time of the step. */
  readonly share?: number;
  /** Their rate by those times. */
  readonly productGflops?: number;
  /** Time of the first step beyond a later one. */
  readonly firstStepExtra: number;
  readonly peakGB: number;
  /** Images of CIFAR-10 a second, cropped and in batches, without training; undefined where they are not in the cache. */
  readonly loaderImagesPerSecond?: number;
  readonly slowest: readonly Timing[];
  readonly peers: readonly (PeerMeasure & { readonly stepSeconds: number; readonly ratio: number })[];
}

const SLOWEST = 10;

/**
 * Measures a training step on an engine: rate, memory, where its time goes, and how fast PyTorch is beside it. Throws
 * ConfigError for unknown names of engines, RangeError for those of models and tasks, Error where a peer fails.
 */
export async function bench(options: BenchOptions = {}): Promise<BenchResult> {
  const { model = 'base', tasks = ['masked'], finetune = false, batch = 32, steps: count = 5 } = options;
  const { compare = [], modes = 'eager,compile', onProgress, signal } = options;
  if (compare.length > 0) requirePeer();
  if (compare.length > 0 && !finetune && tasks[0] !== 'masked')
    throw new RangeError(`the task to compare with PyTorch must be masked, got ${tasks[0]}`);
  const config = modelConfig(model);
  const names = finetune ? ['finetune'] : tasks;
  const steps = names.map((name) =>
    finetune ? finetuneStep(config, batch) : pretrainStep(config, name, batch),
  );
  const settings = parseConfig({ engine: options.engine }).engine;
  const backend = await openEngine(settings);
  if (backend.notice !== undefined) options.onNote?.(backend.notice);
  const weights = await weightsOf(steps);
  const measured = await measure(backend, weights, steps, { count, onProgress, signal });
  const rows = names.map((task, i) =>
    row(task, measured.steps[i]!.seconds, measured.steps[0]!.seconds, batch, steps[i]!.flops),
  );
  const ours = rows[0]!.stepSeconds;
  const loader = await loaderRate();
  const peers: BenchResult['peers'][number][] = [];
  for (const [i, python] of compare.entries()) {
    onProgress?.(`PyTorch of ${python}`, i, compare.length);
    for (const peer of await measurePeer(steps[0]!, weights[0]!, {
      python,
      modes,
      count,
      threads: ('threads' in settings && settings.threads) || availableParallelism(),
      precision: precisionOf(backend),
      losses: measured.steps[0]!.losses,
      signal,
    })) {
      const stepSeconds = median(peer.seconds);
      peers.push({ ...peer, stepSeconds, ratio: stepSeconds / ours });
    }
  }
  return {
    machine: machine(),
    engine: backend.description,
    model,
    batch,
    rows,
    ...ownRate(measured, rows[0]!.spread[0]),
    firstStepExtra: measured.firstSeconds - ours,
    peakGB: measured.peakGB,
    ...(loader !== undefined && { loaderImagesPerSecond: loader }),
    slowest: (measured.calls ?? []).slice(0, SLOWEST),
    peers,
  };
}

/** First values for each step; steps of equal models have them in common. */
async function weightsOf(steps: readonly BenchStep[]): Promise<Values[]> {
  const made = new Map<string, Values>();
  const weights: Values[] = [];
  for (const { specs } of steps) {
    const key = JSON.stringify(specs.map(({ name, shape }) => [name, shape]));
    const values = made.get(key) ?? (await initialiseOnThreads(specs, 1));
    made.set(key, values);
    weights.push(values);
  }
  return weights;
}

function row(
  task: string,
  seconds: readonly number[],
  first: readonly number[],
  batch: number,
  flops: number,
): BenchRow {
  const stepSeconds = median(seconds);
  return {
    task,
    stepSeconds,
    timeToFirst: median(seconds.map((each, turn) => each / first[turn]!)),
    spread: [Math.min(...seconds), Math.max(...seconds)],
    imagesPerSecond: batch / stepSeconds,
    gflops: flops / stepSeconds / 1e9,
  };
}

function ownRate(
  { calls = [] }: Measure,
  leastSeconds: number,
): Pick<BenchResult, 'share' | 'productGflops'> {
  const products = calls.filter(({ flops }) => flops > 0);
  if (products.length === 0) return {};
  const sum = (of: (timing: Timing) => number) => products.reduce((total, each) => total + of(each), 0);
  const seconds = sum(({ milliseconds }) => milliseconds) / 1000;
  return { share: seconds / leastSeconds, productGflops: sum(({ flops }) => flops) / seconds / 1e9 };
}

const precisionOf = ({ description }: Backend) => (/\bbf16\b/.test(description) ? 'bf16' : 'f32');
