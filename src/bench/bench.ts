import { availableParallelism } from 'node:os';
import type { EngineInput } from '../config/engine.ts';
import { parseConfig } from '../config/schema.ts';
import type { Engine } from '../engines/engine.ts';
import type { Timing } from '../engines/timing.ts';
import type { Values } from '../graph/index.ts';
import { modelConfig } from '../models/sizes.ts';
import { openEngine } from '../run/engine.ts';
import { initialiseOnThreads } from '../run/initialise-on-threads.ts';
import { type BenchDetector, detectStep } from './detect-step.ts';
import { loaderRate } from './loader-rate.ts';
import { machine, median } from './machine.ts';
import { type Measure, measure, type StepMeasure } from './measure.ts';
import { measurePeer, type PeerMeasure, requirePeer } from './peer.ts';
import { type BenchHead, type BenchStep, finetuneStep, pretrainStep, segmentStep } from './step.ts';

export interface BenchOptions {
  /** Name of a size. Default: base. */
  readonly model?: string;
  /**
   * Pretext tasks or variants such as `masked-cross`, measured in turns; only the first one is profiled. Default:
   * masked.
   */
  readonly tasks?: readonly string[];
  /** Fine-tuning instead of pretext tasks. */
  readonly finetune?: boolean;
  /** Semantic segmentation with this head instead of pretext tasks. */
  readonly segment?: BenchHead | undefined;
  /** Detection by a recipe of the micro model instead of pretext tasks: its model, its images, its batch unless one is given. */
  readonly detect?: BenchDetector | undefined;
  /** Side of the images in pixels. Default: that of the model's size. */
  readonly image?: number | undefined;
  /** Images per step. Default: 32; of detection the recipe's. */
  readonly batch?: number | undefined;
  /** Number of timed steps. Default: 5. */
  readonly steps?: number;
  readonly engine?: EngineInput;
  /** Python interpreters with PyTorch to compare with. */
  readonly compare?: readonly string[];
  /** Modes of PyTorch, separated by commas. Default: eager,compile. */
  readonly modes?: string;
  readonly onProgress?: (what: string, done: number, total: number) => void;
  /** Receives the engine's notice for the user. */
  readonly onNote?: (message: string) => void;
  /** Aborts the benchmark: the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface BenchRow {
  readonly task: string;
  readonly stepSeconds: number;
  /** Median ratio of a step's time to the first task's in the same round: a slower machine slows down both. */
  readonly timeToFirst: number;
  /** Least and largest time of the timed steps. */
  readonly spread: readonly [number, number];
  readonly imagesPerSecond: number;
  /** Rate of products and convolutions over the time of the whole step. */
  readonly gflops: number;
  /** Share of a step in which the engine waits for the host to choose boxes; of detection. */
  readonly hostShare?: number;
}

export interface BenchResult {
  readonly machine: string;
  readonly engine: string;
  readonly model: string;
  readonly batch: number;
  readonly rows: readonly BenchRow[];
  /** Least times of the step's products and convolutions, relative to the least time of the step. */
  readonly share?: number;
  /** Rate of products and convolutions over those times. */
  readonly productGflops?: number;
  /** Time of the first step beyond a later one. */
  readonly firstStepExtra: number;
  readonly peakGB: number;
  /** Loader rate on CIFAR-10, cropped and batched, without training; undefined if the cache does not have it. */
  readonly loaderImagesPerSecond?: number;
  readonly slowest: readonly Timing[];
  readonly peers: readonly (PeerMeasure & { readonly stepSeconds: number; readonly ratio: number })[];
}

const SLOWEST = 10;

/**
 * Measures a training step on an engine: rate, memory, time by operation, and PyTorch's rate for comparison. Throws
 * ConfigError for unknown engines, RangeError for unknown models and tasks, Error if a peer fails.
 */
export async function bench(options: BenchOptions = {}): Promise<BenchResult> {
  const { tasks = ['masked'], finetune = false, segment, detect, image } = options;
  const { model = detect ? 'micro' : 'base', steps: count = 5 } = options;
  const { compare = [], modes = 'eager,compile', onProgress, signal } = options;
  if (compare.length > 0) requirePeer();
  const pretrains = !finetune && segment === undefined && detect === undefined;
  if (compare.length > 0 && pretrains && tasks[0] !== 'masked')
    throw new RangeError(`the task to compare with PyTorch must be masked, got ${tasks[0]}`);
  const config = modelConfig(model, image === undefined ? {} : { image: [image, image] });
  const names = pretrains ? tasks : [headName(options)];
  const steps = names.map((name) => {
    if (detect) return detectStep(detect, options.batch);
    const batch = options.batch ?? 32;
    if (finetune) return finetuneStep(config, batch);
    return segment === undefined ? pretrainStep(config, name, batch) : segmentStep(config, segment, batch);
  });
  const batch = steps[0]!.images;
  const settings = parseConfig({ engine: options.engine }).engine;
  const engine = await openEngine(settings);
  if (engine.notice !== undefined) options.onNote?.(engine.notice);
  const weights = await weightsOf(steps);
  const measured = await measure(engine, weights, steps, { count, onProgress, signal });
  const rows = names.map((task, i) => row(task, measured.steps[i]!, measured.steps[0]!.seconds, steps[i]!));
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
      precision: precisionOf(engine),
      losses: measured.steps[0]!.losses,
      signal,
    })) {
      const stepSeconds = median(peer.seconds);
      peers.push({ ...peer, stepSeconds, ratio: stepSeconds / ours });
    }
  }
  return {
    machine: machine(),
    engine: engine.description,
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

/** Initial values for each step. Steps of equal models share them. */
async function weightsOf(steps: readonly BenchStep[]): Promise<Values[]> {
  const byShape = new Map<string, Values>();
  const weights: Values[] = [];
  for (const { specs } of steps) {
    const key = JSON.stringify(specs.map(({ name, shape }) => [name, shape]));
    const values = byShape.get(key) ?? (await initialiseOnThreads(specs, 1));
    byShape.set(key, values);
    weights.push(values);
  }
  return weights;
}

function headName({ finetune, segment, detect }: BenchOptions): string {
  if (finetune) return 'finetune';
  return detect ? `detect ${detect}` : `segment ${segment}`;
}

function row(
  task: string,
  { seconds, hostSeconds }: StepMeasure,
  first: readonly number[],
  { images, flops, complete }: BenchStep,
): BenchRow {
  const stepSeconds = median(seconds);
  return {
    task,
    stepSeconds,
    timeToFirst: median(seconds.map((each, turn) => each / first[turn]!)),
    spread: [Math.min(...seconds), Math.max(...seconds)],
    imagesPerSecond: images / stepSeconds,
    gflops: flops / stepSeconds / 1e9,
    ...(complete && { hostShare: median(seconds.map((each, turn) => hostSeconds[turn]! / each)) }),
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

const precisionOf = ({ description }: Engine) => (/\bbf16\b/.test(description) ? 'bf16' : 'f32');
