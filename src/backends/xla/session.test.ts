import { beforeAll, describe, expect, it } from 'vitest';
import { openCpuXla } from '../../../tests/support/xla.ts';
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
import { openOnnxBackend } from '../onnx/backend.ts';
import { referenceBackend } from '../reference/backend.ts';
import type { XlaBackend } from './backend.ts';
import { programText } from './run-program.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1e6);
const batch = 4;
const model: AutoencoderConfig = {
  image: [16, 24],
  patch: 8,
  channels: 3,
  width: 16,
  depth: 1,
  heads: 2,
  mlpRatio: 4,
  classToken: false,
  positions: 'sincos1d',
  target: 'channel',
  decoder: { width: 8, depth: 1, heads: 2 },
};
const pretext = task('masked');
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

const optimizer = adamw({ beta1: 0.9, beta2: 0.95, epsilon: 1e-8 });

describe(`sessions of XLA on the CPU (SEED=${seed})`, () => {
  let backend: XlaBackend;
  beforeAll(async () => {
    backend = await openCpuXla();
  });

  it.each([
    ['AdamW', planWith(optimizer), 1],
    ['accumulated and clipped', planWith(optimizer, 0.1), 4],
    ['another rule', planWith(descent), 1],
  ] as const)('ten steps equal the reference: %s', async (_, plan, micro) => {
    const ours = await train(await backend.open(weights), plan, 10, micro);
    const truth = await train(await referenceBackend.open(weights), plan, 10, micro);
    expectAlike(ours, truth);
  });

  it('ten steps equal those of the onnx engine', async () => {
    const plan = planWith(optimizer);
    const onnx = await openOnnxBackend({ threads: 1 });
    expectAlike(
      await train(await backend.open(weights), plan, 10),
      await train(await onnx.open(weights), plan, 10),
    );
  });

  it('several devices give what one gives with the whole batch', async () => {
    const plan = planWith(optimizer, 0.1);
    const two = await openCpuXla({ devices: 2 });
    const [ours, truth] = [
      await train(await two.open(weights), plan, 10, 4),
      await train(await backend.open(weights), plan, 10, 4),
    ];
    expectAlike(ours, truth);
    const session = await two.open(weights);
    await expect(session.step(plan, [batchOf(0)], { step: 0, lr: 0 })).rejects.toThrow(
      'a step on 2 devices takes a multiple of 2 micro-batches, got 1',
    );
    await session.dispose();
  });

  it('rematerialised steps equal the others, in less memory', async () => {
    const plan = planWith(optimizer);
    const anew = await openCpuXla({ rematerialise: true });
    expectAlike(
      await train(await anew.open(weights), plan, 10),
      await train(await backend.open(weights), plan, 10),
    );
    // Wide hidden sides and many tokens, so that they are most of what is kept.
    const large = { ...model, image: [64, 64] as const, mlpRatio: 16 };
    const { gradients } = pretrainPrograms({
      model: large,
      task: pretext,
      batch: 8,
      maskRatio: 0,
      ...statistics,
    });
    const [less, more] = await Promise.all(
      [true, false].map(async (rematerialise) => {
        const text = programText(gradients, { rematerialise });
        const executable = await backend.client.compile(text, { devices: [0] });
        const { temporary } = executable.memory()!;
        executable.destroy();
        return temporary;
      }),
    );
    expect(less! / more!).toBeLessThan(0.8);
  });

  it('two runs are the same, bit for bit, however many steps are in flight', async () => {
    const plan = planWith(optimizer);
    const one = await train(await backend.open(weights), plan, 5);
    const session = await backend.open(weights);
    const running = Array.from({ length: 5 }, (_, step) =>
      session.step(plan, [batchOf(step)], { step, lr: 1e-3 * (step + 1) }),
    );
    expect(await Promise.all(running)).toEqual(one.rows);
    expect(await session.read()).toEqual(one.state);
    await session.dispose();
  });

  it('goes on from what was read as it would have', async () => {
    const plan = planWith(optimizer);
    const whole = await train(await backend.open(weights), plan, 4);
    const half = await train(await backend.open(weights), plan, 2);
    const session = await backend.open(weights);
    await session.step(plan, [batchOf(9)], { step: 0, lr: 1 });
    await session.write(half.state);
    for (const step of [2, 3]) await session.step(plan, [batchOf(step)], { step, lr: 1e-3 * (step + 1) });
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
    await expect(session.read(['mask_token'])).rejects.toThrow('disposed');
  });

  it('leaves nothing behind on the devices', async () => {
    const { live } = backend.client.api;
    const before = { buffers: live.buffers, events: live.events };
    const session = await backend.open(weights);
    const plan = planWith(optimizer, 0.1);
    const counts = [];
    for (let step = 0; step < 4; step++) {
      await session.step(plan, [0, 1, 2, 3].map(batchOf), { step, lr: 1e-3 });
      await session.run(programs.loss, batchOf(step));
      counts.push(live.buffers);
    }
    expect(new Set(counts).size).toBe(1);
    await session.dispose();
    expect({ buffers: live.buffers, events: live.events }).toEqual(before);
  });
});

type Trained = Awaited<ReturnType<typeof train>>;

function expectAlike(ours: Trained, truth: Trained): void {
  ours.rows.forEach(({ metrics, gradientNorm }, step) => {
    const expected = truth.rows[step]!;
    for (const name of Object.keys(expected.metrics))
      expect(Math.abs(metrics[name]! / expected.metrics[name]! - 1), `${name} of step ${step}`).toBeLessThan(
        1e-4,
      );
    expect(Math.abs(gradientNorm / expected.gradientNorm - 1), `norm of step ${step}`).toBeLessThan(1e-4);
  });
  expect(Object.keys(ours.state).sort()).toEqual(Object.keys(truth.state).sort());
  // Weights move by about lr a step in AdamW, whatever the size of the gradient: noise in the smallest ones shows.
  for (const [name, expected] of Object.entries(truth.state)) {
    if (name.includes(':')) continue;
    const apart = Float32Array.from(expected, (x, i) => x - ours.state[name]![i]!);
    expect(largest(apart) / Math.max(largest(expected), 0.02), name).toBeLessThan(1e-3);
  }
}
