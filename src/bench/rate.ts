import { availableParallelism } from 'node:os';
import { stepFlops } from '../config/cost.ts';
import type { Config } from '../config/schema.ts';
import type { Engine } from '../engines/engine.ts';
import { modelConfig } from '../models/sizes.ts';
import { initialise } from '../nn/init.ts';
import type { OwnTasks } from '../tasks/own.ts';
import { plural } from '../text/plural.ts';
import { LEARNING_RATE } from './measure.ts';
import { type BenchStep, pretrainStep, stepOf } from './step.ts';

/** Training speed of this machine, for estimates of time. */
export interface TrainingRate {
  /** Floating-point operations of matrix products per second of training. */
  readonly flops: number;
  /** Origin of the number, for messages. */
  readonly how: string;
}

/** Per core in float32. The CPU engines reach it over whole steps on cores with AVX-512 (docs/performance.md). */
const PER_CORE = 70e9;

/** Expected rate of this machine's cores. Runs nothing. */
export function assumedRate(cores = availableParallelism()): TrainingRate {
  const how = `assumed: ${PER_CORE / 1e9} GFLOP/s for each of ${plural(cores, 'CPU thread')} (\`list --measure\` takes the time of a few steps)`;
  return { flops: PER_CORE * cores, how };
}

/** Model and batch of a measured step. An accelerator needs larger ones to be busy. */
const MEASURED = { cpu: ['micro', 64], accelerator: ['small', 256] } as const;
const STEPS = 3;

/** Rate of the fastest of a few steps of a small model, after a warm-up step. Takes some seconds. */
export function measuredRate(engine: Engine): Promise<TrainingRate> {
  const [model, batch] = MEASURED[engine.name === 'xla' ? 'accelerator' : 'cpu'];
  return rateOf(pretrainStep(modelConfig(model), 'masked', batch), `the ${model} model`, engine);
}

/**
 * The same of steps with the settings of a run: small models and short sequences reach less.
 * @param expected rate by which the batch is chosen, so that a step takes a second at most, unless one image takes longer
 */
export function measuredRateOf(
  config: Config,
  engine: Engine,
  expected: number,
  own?: OwnTasks,
): Promise<TrainingRate> {
  const { batchSize, microBatch } = config.training;
  const each = stepFlops(config, own); // estimates of time divide these, not the graph's, by the rate
  const batch = Math.min(microBatch || batchSize, Math.max(1, Math.floor(expected / each)));
  return rateOf({ ...stepOf(config, batch, own), flops: batch * each }, 'this model', engine);
}

async function rateOf(step: BenchStep, model: string, engine: Engine): Promise<TrainingRate> {
  const { plan, inputs, specs, flops } = step;
  const session = await engine.open(initialise(specs, 0));
  try {
    const times: number[] = [];
    for (let i = 0; i <= STEPS; i++) {
      const start = performance.now();
      await session.step(plan, [inputs], { step: i, lr: LEARNING_RATE });
      times.push((performance.now() - start) / 1000);
    }
    const rate = flops / Math.min(...times.slice(1));
    const how = `measured: ${Number((rate / 1e9).toPrecision(2)).toLocaleString('en-US')} GFLOP/s in steps of ${model}, ${engine.description}`;
    return { flops: rate, how };
  } finally {
    await session.dispose();
  }
}
