import { expect } from 'vitest';
import type { Backend, Session, TrainingPlan } from '../../src/engines/engine.ts';
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

/** What all draws follow from. */
export const seed = Number(process.env.SEED ?? Date.now() % 1e6);
export const statistics = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const BATCH = 4;

/** A rule for which no engine has a kernel. */
const descent: UpdateRule = {
  name: 'descent',
  slots: [],
  scalars: (_, lr) => ({ lr }),
  build: (weight, gradient, _, { lr, scale }) => ({
    weight: sub(weight, mul(mul(gradient, scale!), lr!)),
    slots: [],
  }),
};

/** A model that an engine trains in no time, and batches of random pixels for it. */
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

  /** A plan with AdamW, which engines may have a kernel for. */
  adamw(clip?: number): TrainingPlan {
    return this.plan(adamw({ beta1: 0.9, beta2: 0.95, epsilon: 1e-8 }), clip);
  }

  /** A plan with plain gradient descent, which no engine has a kernel for. */
  descent(): TrainingPlan {
    return this.plan(descent);
  }

  batch(step: number) {
    const [height, width] = this.pretext.view(this.model.image);
    const stream = rng(seed, 'pixels', step);
    const view = Uint8Array.from({ length: BATCH * 3 * height * width }, () => stream.int(256));
    const streams = Array.from({ length: BATCH }, (_, i) => rng(seed, step, i));
    return { view, ...drawBatch(this.pretext, this.model, streams) };
  }

  /** Asks for one step, at its own learning rate. */
  step(session: Session, plan: TrainingPlan, step: number, micro = 1) {
    const batches = Array.from({ length: micro }, (_, i) => this.batch(step * micro + i));
    return session.step(plan, batches, { step, lr: 1e-3 * (step + 1) });
  }

  /** Some steps from the start, each awaited, in a session of its own. */
  async run(backend: Backend, plan: TrainingPlan, steps: number, micro = 1): Promise<Trained> {
    const session = await backend.open(this.weights);
    const rows = [];
    for (let step = 0; step < steps; step++) rows.push(await this.step(session, plan, step, micro));
    const state = await session.read();
    await session.dispose();
    return { rows, state };
  }

  private plan(rule: UpdateRule, clip?: number): TrainingPlan {
    const { gradients, parameters } = this.programs;
    return { gradients, parameters, rule, clip };
  }
}

export type Trained = {
  rows: Awaited<ReturnType<Session['step']>>[];
  state: Awaited<ReturnType<Session['read']>>;
};

/** Expects metrics, norms of gradients and weights that differ by no more than single precision explains. */
export function expectAlike(ours: Trained, truth: Trained): void {
  ours.rows.forEach(({ metrics, gradientNorm }, step) => {
    const expected = truth.rows[step]!;
    for (const name of Object.keys(expected.metrics))
      expect(metrics[name]! / expected.metrics[name]!, `${name} of step ${step}`).toBeCloseTo(1, 4);
    expect(gradientNorm / expected.gradientNorm, `norm of step ${step}`).toBeCloseTo(1, 4);
  });
  expect(Object.keys(ours.state).sort()).toEqual(Object.keys(truth.state).sort());
  // Weights move by about lr a step in AdamW, whatever the size of the gradient: noise in the smallest ones shows.
  for (const [name, expected] of Object.entries(truth.state)) {
    if (name.includes(':')) continue;
    const apart = Float32Array.from(expected, (x, i) => x - ours.state[name]![i]!);
    expect(largest(apart) / Math.max(largest(expected), 0.02), name).toBeLessThan(1e-3);
  }
}

/** Largest magnitude. */
export const largest = (x: ArrayLike<number>) =>
  Array.from(x).reduce((most, y) => Math.max(most, Math.abs(y)), 0);
