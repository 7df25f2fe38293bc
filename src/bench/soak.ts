import type { EngineSettings } from '../config/engine.ts';
import { modelConfig } from '../models/sizes.ts';
import { initialise } from '../nn/init.ts';
import { openEngine } from '../run/engine.ts';
import { median, residentGigabytes } from './machine.ts';
import { LEARNING_RATE } from './measure.ts';
import { pretrainStep } from './step.ts';

export interface SoakOptions {
  readonly engine: EngineSettings;
  readonly model: string;
  readonly batch: number;
  /** At least 20, for twenty readings of memory or more. */
  readonly steps: number;
  readonly onSample?: (step: number, gigabytes: number) => void;
}

export interface SoakResult {
  readonly engine: string;
  readonly steps: number;
  /**
   * Resident memory of this process and the engine's in GB: median of the second tenth (`early`) and of the last
   * (`late`).
   */
  readonly early: number;
  readonly late: number;
  /** Relative growth from early to late. */
  readonly growth: number;
}

const SAMPLES = 50;

/** Trains on one batch and records resident memory. Throws RangeError for too few steps. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { steps, batch } = options;
  if (!(steps >= 20)) throw new RangeError(`a soak takes 20 steps or more, got ${steps}`);
  const engine = await openEngine(options.engine);
  const { plan, inputs, specs } = pretrainStep(modelConfig(options.model), 'masked', batch);
  const session = await engine.open(initialise(specs, 1));
  const every = Math.max(1, Math.floor(steps / SAMPLES));
  const samples: number[] = [];
  try {
    for (let step = 0; step < steps; step++) {
      await session.step(plan, [inputs], { step, lr: LEARNING_RATE });
      if ((step + 1) % every !== 0) continue;
      samples.push(residentGigabytes());
      options.onSample?.(step + 1, samples.at(-1)!);
    }
  } finally {
    await session.dispose();
  }
  return { engine: engine.description, steps, ...growthOf(samples) };
}

/** @param samples readings of memory at equal distances, ten or more */
export function growthOf(samples: readonly number[]): Pick<SoakResult, 'early' | 'late' | 'growth'> {
  const tenth = Math.floor(samples.length / 10);
  const early = median(samples.slice(tenth, 2 * tenth));
  const late = median(samples.slice(-tenth));
  return { early, late, growth: late / early - 1 };
}
