import { expect } from 'vitest';
import type { Engine, Session, TrainingPlan } from '../../src/engines/engine.ts';
import { mul, sub } from '../../src/graph/index.ts';
import type { UpdateRule } from '../../src/graph/update.ts';
import { autoencoderParameters } from '../../src/models/autoencoder.ts';
import type { AutoencoderConfig } from '../../src/models/config.ts';
import { initialise } from '../../src/nn/init.ts';
import { adamw } from '../../src/optim/adamw.ts';
import { pretrainPrograms } from '../../src/programs/pretrain.ts';
import { rng } from '../../src/random/rng.ts';
import { drawBatch } from '../../src/tasks/draws.ts';
import { task } from '../../src/tasks/table.ts';
import { seed } from './random.ts';

/** Seed of all draws. */
export const statistics = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const BATCH = 4;

/** A rule without a kernel on any engine. */
const descent: UpdateRule = {
  name: 'descent',
  slots: [],
  scalars: (_, lr) => ({ lr }),
  build: (weight, gradient, _, { lr, scale }) => ({
    weight: sub(weight, mul(mul(gradient, scale!), lr!)),
    slots: [],
  }),
};

/** A model that trains quickly on any engine, and random batches for it. */
export class TinyTraining {
  readonly model: AutoencoderConfig;
  readonly pretext;
  readonly programs;
  readonly weights;

  constructor({ depth, pretext }: { depth: number; pretext: string }) {
    this.model = {
      image: [16, 24],
      patch: 8,
      channels: 3,
      width: 16,
      depth,
      heads: 2,
      mlpRatio: 4,
      classToken: false,
      positions: 'sincos1d',
      target: 'channel',
      decoder: { width: 8, depth: 1, heads: 2 },
    };
    this.pretext = task(pretext);
    this.programs = pretrainPrograms({ model: this.model, task: this.pretext, batch: BATCH, ...statistics });
    this.weights = initialise(autoencoderParameters(this.model), seed);
  }

  /** A plan with AdamW, for which engines may have a kernel. */
  adamw(clip?: number): TrainingPlan {
    return this.#plan(adamw({ beta1: 0.9, beta2: 0.95, epsilon: 1e-8 }), clip);
  }

  /** A plan with plain gradient descent, for which no engine has a kernel. */
  descent(): TrainingPlan {
    return this.#plan(descent);
  }

  batch(step: number) {
    const [height, width] = this.pretext.view(this.model.image);
    const stream = rng(seed, 'pixels', step);
    const view = Uint8Array.from({ length: BATCH * 3 * height * width }, () => stream.int(256));
    const streams = Array.from({ length: BATCH }, (_, i) => rng(seed, step, i));
    return { view, ...drawBatch(this.pretext, this.model, streams) };
  }

  /** Requests one step, with a learning rate that depends on the step. */
  step(session: Session, plan: TrainingPlan, step: number, micro = 1) {
    const batches = Array.from({ length: micro }, (_, i) => this.batch(step * micro + i));
    return session.step(plan, batches, { step, lr: 1e-3 * (step + 1) });
  }

  /** Steps from the start in a new session, each awaited. */
  async run(engine: Engine, plan: TrainingPlan, steps: number, micro = 1): Promise<Trained> {
    const session = await engine.open(this.weights);
    const rows = [];
    for (let step = 0; step < steps; step++) rows.push(await this.step(session, plan, step, micro));
    const state = await session.read();
    await session.dispose();
    return { rows, state };
  }

  #plan(rule: UpdateRule, clip?: number): TrainingPlan {
    const { gradients, parameters } = this.programs;
    return { gradients, parameters, rule, clip };
  }
}

export type Trained = {
  rows: Awaited<ReturnType<Session['step']>>[];
  state: Awaited<ReturnType<Session['read']>>;
};

/** Expects metrics, gradient norms and weights to agree within single precision. */
export function expectAlike(ours: Trained, truth: Trained): void {
  ours.rows.forEach(({ metrics, gradientNorm }, step) => {
    const expected = truth.rows[step]!;
    for (const name of Object.keys(expected.metrics))
      expect(metrics[name]! / expected.metrics[name]!, `${name} of step ${step}`).toBeCloseTo(1, 4);
    expect(gradientNorm / expected.gradientNorm, `norm of step ${step}`).toBeCloseTo(1, 4);
  });
  expect(Object.keys(ours.state).sort()).toEqual(Object.keys(truth.state).sort());
  // AdamW moves a weight by about lr per step whatever the size of its gradient, so noise in the smallest gradients
  // shows.
  for (const [name, expected] of Object.entries(truth.state)) {
    if (name.includes(':')) continue;
    const apart = Float32Array.from(expected, (x, i) => x - ours.state[name]![i]!);
    expect(largest(apart) / Math.max(largest(expected), 0.02), name).toBeLessThan(1e-3);
  }
}

export const largest = (x: ArrayLike<number>) =>
  Array.from(x).reduce((most, y) => Math.max(most, Math.abs(y)), 0);
