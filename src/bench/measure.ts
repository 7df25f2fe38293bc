import type { Complete, Engine, Session } from '../engines/engine.ts';
import { isTimed, type Timing } from '../engines/timing.ts';
import type { Values } from '../graph/index.ts';
import { peakGigabytes } from './machine.ts';
import type { BenchStep } from './step.ts';

export const LEARNING_RATE = 1e-4;
/** Steps before the timed ones: page faults, thread starts, compilation. */
export const WARM_UP = 3;
/** Number of profiled steps; the least time of each call counts. */
const PROFILED = 3;

/** Measurements of a step. */
export interface StepMeasure {
  /** Of the timed steps. */
  readonly seconds: readonly number[];
  /** Of all steps from the first. */
  readonly losses: readonly number[];
  /** Time of the timed steps in which the engine waited for inputs that the caller makes. */
  readonly hostSeconds: readonly number[];
}

export interface Measure {
  /** In the order of the steps. */
  readonly steps: readonly StepMeasure[];
  readonly firstSeconds: number;
  /** Peak resident memory up to the timed steps, of this process and the engine's, in GB. */
  readonly peakGB: number;
  /** The calls of the first step by least time, slowest first. */
  readonly calls?: readonly Timing[];
}

export interface MeasureOptions {
  /** Number of timed steps. */
  readonly count: number;
  readonly onProgress?: ((what: string, done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Times steps. Steps with the same weights share a session. Runs the steps in turns, so that a change of the
 * machine's speed affects all alike. Throws Error if a loss is not finite.
 * @param weights weights of each step
 */
export async function measure(
  engine: Engine,
  weights: readonly Values[],
  steps: readonly BenchStep[],
  { count, onProgress, signal }: MeasureOptions,
): Promise<Measure> {
  const opened = new Map<Values, Session>();
  try {
    for (const each of new Set(weights)) opened.set(each, await engine.open(each));
    const sessions = weights.map((each) => opened.get(each)!);
    const runner = new Runner(sessions, steps);
    const [session] = sessions as [Session];
    const total = WARM_UP + count + (isTimed(session) ? PROFILED : 0);
    let firstSeconds = 0;
    const progress = (done: number) => {
      signal?.throwIfAborted();
      onProgress?.('steps', done, total);
    };
    for (let i = 0; i < WARM_UP; i++) {
      const [seconds] = await runner.round(false);
      if (i === 0) firstSeconds = seconds!;
      progress(i + 1);
    }
    const peakGB = peakGigabytes();
    for (let i = 0; i < count; i++) {
      await runner.round(true);
      progress(WARM_UP + i + 1);
    }
    const measured = { steps: runner.measures, firstSeconds, peakGB };
    if (!isTimed(session)) return measured;
    await session.profile();
    for (let i = 0; i < PROFILED; i++) {
      await runner.step(0);
      progress(WARM_UP + count + i + 1);
    }
    const calls = [...(await session.profile())].sort((a, b) => b.milliseconds - a.milliseconds);
    return { ...measured, calls };
  } finally {
    for (const session of opened.values()) await session.dispose();
  }
}

class Runner {
  readonly measures: { seconds: number[]; losses: number[]; hostSeconds: number[] }[];
  readonly #sessions: readonly Session[];
  readonly #steps: readonly BenchStep[];
  #done = 0;

  constructor(sessions: readonly Session[], steps: readonly BenchStep[]) {
    this.#sessions = sessions;
    this.#steps = steps;
    this.measures = steps.map(() => ({ seconds: [], losses: [], hostSeconds: [] }));
  }

  /** Runs every step once. */
  async round(counts: boolean): Promise<number[]> {
    const times: number[] = [];
    for (const [i, { seconds, losses, hostSeconds }] of this.measures.entries()) {
      const { loss, time, host } = await this.step(i);
      losses.push(loss);
      if (counts) {
        seconds.push(time);
        hostSeconds.push(host);
      }
      times.push(time);
    }
    return times;
  }

  async step(i: number): Promise<{ loss: number; time: number; host: number }> {
    const { plan, inputs, complete } = this.#steps[i]!;
    let host = 0;
    const timed: Complete | undefined =
      complete &&
      (async (...given) => {
        const from = performance.now();
        const made = await complete(...given);
        host += (performance.now() - from) / 1000;
        return made;
      });
    const start = performance.now();
    const at = { step: this.#done++, lr: LEARNING_RATE };
    const result = await this.#sessions[i]!.step(plan, [inputs], at, timed);
    const time = (performance.now() - start) / 1000;
    if (result.nonFinite !== undefined)
      throw new Error(`${result.nonFinite} must be finite, got another value`);
    return { loss: result.metrics.loss!, time, host };
  }
}
