import { beforeAll, describe, expect, it } from 'vitest';
import { mul, sub } from '../../graph/index.ts';
import type { UpdateRule } from '../../graph/update.ts';
import { type AutoencoderConfig, autoencoderParameters } from '../../models/autoencoder.ts';
import { initialise } from '../../nn/init.ts';
import { adamw } from '../../optim/adamw.ts';
import { rng } from '../../random/rng.ts';
import { drawBatch } from '../../tasks/draws.ts';
import { task } from '../../tasks/table.ts';
import { pretrainPrograms } from '../../train/programs.ts';
import type { Session, TrainingPlan } from '../backend.ts';
import { referenceBackend } from '../reference/backend.ts';
import { type OneDnnBackend, openOneDnnBackend } from './backend.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1e6);
const batch = 4;
const model: AutoencoderConfig = {
  image: [16, 24],
  patch: 8,
  channels: 3,
  width: 16,
  depth: 2,
  heads: 2,
  mlpRatio: 4,
  classToken: false,
  positions: 'sincos1d',
  target: 'channel',
  decoder: { width: 8, depth: 1, heads: 2 },
};
const pretext = task('masked+zoomed-in');
const statistics = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const programs = pretrainPrograms({ model, task: pretext, batch, ...statistics });
const weights = initialise(autoencoderParameters(model), seed);

/** Plain gradient descent: a rule for which the engine has no kernel. */
const descent: UpdateRule = {
  name: 'descent',
  slots: [],
  scalars: (_, lr) => ({ lr }),
  build: (weight, gradient, _, { lr, scale }) => ({
    weight: sub(weight, mul(mul(gradient, scale!), lr!)),
    slots: [],
  }),
};

function planWith(rule: UpdateRule, clip?: number): TrainingPlan {
  return { gradients: programs.gradients, parameters: programs.parameters, rule, clip };
}

function batchOf(step: number) {
  const [height, width] = pretext.view(model.image);
  const stream = rng(seed, 'pixels', step);
  const view = Uint8Array.from({ length: batch * 3 * height * width }, () => stream.int(256));
  const streams = Array.from({ length: batch }, (_, i) => rng(seed, step, i));
  return { view, ...drawBatch(pretext, model, streams) };
}

async function train(session: Session, plan: TrainingPlan, steps: number, micro = 1) {
  const rows = [];
  for (let step = 0; step < steps; step++) {
    const batches = Array.from({ length: micro }, (_, i) => batchOf(step * micro + i));
    rows.push(await session.step(plan, batches, { step, lr: 1e-3 * (step + 1) }));
  }
  const state = await session.read();
  await session.dispose();
  return { rows, state };
}

const largest = (x: ArrayLike<number>) => Array.from(x).reduce((most, y) => Math.max(most, Math.abs(y)), 0);

describe(`sessions of the onednn engine (SEED=${seed})`, () => {
  let backend: OneDnnBackend;
  beforeAll(async () => {
    backend = await openOneDnnBackend({ threads: 2 });
  });

  it.each([
    ['AdamW by its kernel', planWith(adamw({ beta1: 0.9, beta2: 0.95, epsilon: 1e-8 })), 1],
    ['accumulated and clipped', planWith(adamw({ beta1: 0.9, beta2: 0.95, epsilon: 1e-8 }), 0.1), 3],
    ['a rule without a kernel', planWith(descent), 1],
  ] as const)('ten steps equal the reference: %s', async (_, plan, micro) => {
    const ours = await train(await backend.open(weights), plan, 10, micro);
    const truth = await train(await referenceBackend.open(weights), plan, 10, micro);
    ours.rows.forEach(({ metrics, gradientNorm }, step) => {
      const expected = truth.rows[step]!;
      for (const name of Object.keys(expected.metrics))
        expect(metrics[name]! / expected.metrics[name]!).toBeCloseTo(1, 4);
      expect(gradientNorm / expected.gradientNorm).toBeCloseTo(1, 4);
    });
    expect(Object.keys(ours.state).sort()).toEqual(Object.keys(truth.state).sort());
    // Weights move by about lr a step in AdamW, whatever the size of the gradient: noise in the smallest ones shows.
    for (const [name, expected] of Object.entries(truth.state)) {
      if (name.includes(':')) continue;
      const apart = Float32Array.from(expected, (x, i) => x - ours.state[name]![i]!);
      expect(largest(apart) / Math.max(largest(expected), 0.02), name).toBeLessThan(1e-3);
    }
  });

  it('two runs are the same, bit for bit', async () => {
    const plan = planWith(adamw({ beta1: 0.9, beta2: 0.95, epsilon: 1e-8 }));
    const [a, b] = [
      await train(await backend.open(weights), plan, 5),
      await train(await backend.open(weights), plan, 5),
    ];
    expect(a.rows).toEqual(b.rows);
    expect(a.state).toEqual(b.state);
  });

  it('goes on from its state as if it had not stopped, bit for bit', async () => {
    const plan = planWith(adamw({ beta1: 0.9, beta2: 0.95, epsilon: 1e-8 }));
    const whole = await train(await backend.open(weights), plan, 4);
    const { state } = await train(await backend.open(weights), plan, 2);
    const session = await backend.open(state);
    const rows = [];
    for (let step = 2; step < 4; step++)
      rows.push(await session.step(plan, [batchOf(step)], { step, lr: 1e-3 * (step + 1) }));
    expect(rows).toEqual(whole.rows.slice(2));
    expect(await session.read()).toEqual(whole.state);
    await session.dispose();
  });

  it('leaves the state as it was when a loss is not finite, and names it', async () => {
    const session = await backend.open({ ...weights, mask_token: weights.mask_token!.map(() => Number.NaN) });
    const before = await session.read(['blocks.0.mlp.fc1.weight']);
    const result = await session.step(planWith(descent), [batchOf(0)], { step: 0, lr: 1 });
    expect(result.nonFinite).toBe('loss');
    expect(await session.read(['blocks.0.mlp.fc1.weight'])).toEqual(before);
    await session.dispose();
  });

  it('refuses what does not fit, and goes on', async () => {
    const session = await backend.open(weights);
    await expect(session.read(['nobody'])).rejects.toThrow('got "nobody"');
    await expect(session.write({ mask_token: new Float32Array(3) })).rejects.toThrow(
      'holds 8 values of f32, got 3',
    );
    await expect(session.run(programs.features, {})).rejects.toThrow('as "view", got nothing');
    await session.write({ mask_token: new Float32Array(8).fill(2) });
    expect(await session.read(['mask_token'])).toEqual({ mask_token: new Float32Array(8).fill(2) });
    await session.dispose();
    await expect(session.read(['mask_token'])).rejects.toThrow('stopped');
  });
});

describe(`bfloat16 (SEED=${seed})`, () => {
  it('follows float32: losses, gradients and weights of ten steps', async () => {
    const plan = planWith(adamw({ beta1: 0.9, beta2: 0.95, epsilon: 1e-8 }));
    const narrow = await (await openOneDnnBackend({ threads: 1, precision: 'bf16' })).open(weights);
    const ours = await train(narrow, plan, 10);
    const truth = await train(await referenceBackend.open(weights), plan, 10);
    ours.rows.forEach(({ metrics, gradientNorm }, step) => {
      const expected = truth.rows[step]!;
      // Eight bits of mantissa: products are off by 2⁻⁹ at most, and their errors average out.
      expect(Math.abs(metrics.loss! / expected.metrics.loss! - 1)).toBeLessThan(4e-3);
      expect(Math.abs(gradientNorm / expected.gradientNorm - 1)).toBeLessThan(0.03);
      expect(metrics.loss).not.toBe(expected.metrics.loss);
    });
  });

  it('leaves what degrades pictures in float32', async () => {
    const narrow = await (await openOneDnnBackend({ threads: 1, precision: 'bf16' })).open(weights);
    const exact = await referenceBackend.open(weights);
    const [got, truth] = [
      await narrow.run(programs.reconstruct, batchOf(0)),
      await exact.run(programs.reconstruct, batchOf(0)),
    ];
    const apart = (name: string) => largest(Float32Array.from(truth[name]!, (x, i) => x - got[name]![i]!));
    expect(apart('degraded')).toBeLessThan(1e-5);
    expect(apart('original')).toBeLessThan(1e-5);
    expect(apart('reconstruction')).toBeGreaterThan(1e-5);
    await narrow.dispose();
  });

  it('two runs are the same, bit for bit', async () => {
    const plan = planWith(adamw({ beta1: 0.9, beta2: 0.95, epsilon: 1e-8 }));
    const backend = await openOneDnnBackend({ threads: 2, precision: 'bf16' });
    const [a, b] = [
      await train(await backend.open(weights), plan, 3),
      await train(await backend.open(weights), plan, 3),
    ];
    expect(a.rows).toEqual(b.rows);
    expect(a.state).toEqual(b.state);
  });
});
