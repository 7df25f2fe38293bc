import { describe, expect, it } from 'vitest';
import { grad, input, matmul, meanAll, mul, program, square, sub, type Tensor } from '../../graph/index.ts';
import type { UpdateRule } from '../../graph/update.ts';
import { rng } from '../../random/rng.ts';
import { gradientName, type TrainingPlan } from '../engine.ts';
import { referenceEngine } from './engine.ts';

/** Gradient descent with momentum, and the number of updates as a scalar. */
const sgd = (momentum: number): UpdateRule => ({
  name: 'sgd',
  slots: ['velocity'],
  scalars: (step, lr) => ({ lr, first: step === 0 ? 1 : 0 }),
  build: (weight, gradient, [velocity], { lr, scale }, { weightDecay, lrScale }) => {
    const next = sub(mul(velocity!, momentum), mul(gradient, scale!));
    const rate = mul(lr!, lrScale);
    return {
      weight: sub(mul(weight, sub(1, mul(rate, weightDecay))), mul(mul(next, rate), -1)),
      slots: [next],
    };
  },
});

const [rows, width] = [4, 3];

/** Least squares: mean (x w − y)². */
function leastSquares(momentum = 0, clip?: number): TrainingPlan {
  const w = input('w', [width, 1]);
  const residual = sub(matmul(input('x', [rows, width]), w), input('y', [rows, 1]));
  const loss = meanAll(square(residual));
  const outputs: Record<string, Tensor> = { loss, [gradientName('w')]: grad(loss, [w])[0]! };
  return {
    gradients: program('least squares', outputs),
    parameters: [{ name: 'w', weightDecay: 0, lrScale: 1 }],
    rule: sgd(momentum),
    clip,
  };
}

const draw = (seed: number, name: string, size: number) => {
  const random = rng(seed, name);
  return Float32Array.from({ length: size }, () => random.normal());
};

const batchOf = (seed: number) => ({ x: draw(seed, 'x', rows * width), y: draw(seed, 'y', rows) });

/** Loss and gradient in closed form. */
function byHand(w: ArrayLike<number>, { x, y }: { x: Float32Array; y: Float32Array }) {
  const gradient = [0, 0, 0];
  let loss = 0;
  for (let i = 0; i < rows; i++) {
    const residual = x[i * 3]! * w[0]! + x[i * 3 + 1]! * w[1]! + x[i * 3 + 2]! * w[2]! - y[i]!;
    loss += residual ** 2 / rows;
    for (let j = 0; j < 3; j++) gradient[j]! += (2 / rows) * residual * x[i * 3 + j]!;
  }
  return { loss, gradient, norm: Math.hypot(...gradient) };
}

const close = (got: ArrayLike<number>, expected: readonly number[], digits = 6) =>
  expected.forEach((x, i) => {
    expect(got[i]).toBeCloseTo(x, digits);
  });

describe('a session of the reference engine', () => {
  it('steps as gradient descent with momentum does by hand', async () => {
    const w0 = draw(1, 'w', width);
    const session = await referenceEngine.open({ w: w0 });
    const plan = leastSquares(0.5);
    let w = [...w0];
    let velocity = [0, 0, 0];
    for (let step = 0; step < 3; step++) {
      const { loss, gradient, norm } = byHand(w, batchOf(step));
      const result = await session.step(plan, [batchOf(step)], { step, lr: 0.1 });
      expect(result.metrics.loss).toBeCloseTo(loss, 10);
      expect(result.gradientNorm).toBeCloseTo(norm, 10);
      velocity = velocity.map((v, j) => 0.5 * v - gradient[j]!);
      w = w.map((x, j) => Math.fround(x + 0.1 * velocity[j]!));
      velocity = velocity.map(Math.fround); // as in a checkpoint
    }
    const state = await session.read();
    close(state.w!, w);
    close(state['velocity:w']!, velocity);
  });

  it('takes decay and rate from the group of the parameter', async () => {
    const w = draw(2, 'w', width);
    const session = await referenceEngine.open({ w });
    const plan = { ...leastSquares(), parameters: [{ name: 'w', weightDecay: 0.2, lrScale: 0.5 }] };
    await session.step(plan, [batchOf(0)], { step: 0, lr: 0.1 });
    const { gradient } = byHand(w, batchOf(0));
    close(
      (await session.read(['w'])).w!,
      gradient.map((g, j) => w[j]! * (1 - 0.05 * 0.2) - 0.05 * g),
    );
  });

  it('averages micro-batches to the result of one large batch', async () => {
    const w = draw(3, 'w', width);
    const session = await referenceEngine.open({ w });
    const { metrics } = await session.step(leastSquares(), [batchOf(1), batchOf(2)], { step: 0, lr: 0.1 });
    const [a, b] = [byHand(w, batchOf(1)), byHand(w, batchOf(2))];
    expect(metrics.loss).toBeCloseTo((a.loss + b.loss) / 2, 10);
    const expected = [...w].map((x, j) => x - 0.05 * (a.gradient[j]! + b.gradient[j]!));
    close((await session.read()).w!, expected);
  });

  it('shortens gradients to the clip, and only longer ones', async () => {
    const w = draw(4, 'w', width);
    const { gradient, norm } = byHand(w, batchOf(0));
    for (const clip of [norm / 3, norm * 3]) {
      const session = await referenceEngine.open({ w });
      const result = await session.step(leastSquares(0, clip), [batchOf(0)], { step: 0, lr: 0.1 });
      expect(result.gradientNorm).toBeCloseTo(norm, 10);
      const shrink = Math.min(1, clip / norm);
      close(
        (await session.read()).w!,
        gradient.map((g, j) => w[j]! - 0.1 * shrink * g),
        5,
      );
    }
  });

  it('leaves the state alone when something is not finite, and names the first', async () => {
    const w = draw(5, 'w', width);
    const session = await referenceEngine.open({ w });
    const bad = batchOf(0);
    bad.y[2] = Number.NaN;
    const result = await session.step(leastSquares(), [batchOf(1), bad], { step: 0, lr: 0.1 });
    expect(result.nonFinite).toBe('loss');
    const only = leastSquares();
    const { loss: _, ...rest } = only.gradients.outputs;
    const noLoss = { ...only, gradients: { ...only.gradients, outputs: rest } };
    expect((await session.step(noLoss, [bad], { step: 0, lr: 0.1 })).nonFinite).toBe('grad:w');
    expect((await session.read()).w).toEqual(w);
  });

  it('continues from a state read and written back', async () => {
    const plan = leastSquares(0.5);
    const whole = await referenceEngine.open({ w: draw(6, 'w', width) });
    for (let step = 0; step < 5; step++) {
      const resumed = await referenceEngine.open(await whole.read());
      const at = { step, lr: 0.1 };
      const results = [
        await whole.step(plan, [batchOf(step)], at),
        await resumed.step(plan, [batchOf(step)], at),
      ];
      expect(results[1]).toEqual(results[0]);
      expect(await resumed.read()).toEqual(await whole.read());
    }
  });

  it('copies on the way in and out', async () => {
    const w = Float32Array.of(1);
    const session = await referenceEngine.open({ w });
    w.fill(2);
    const read = (await session.read()).w!;
    expect(read).toEqual(Float32Array.of(1));
    read.fill(3);
    expect((await session.read()).w).toEqual(Float32Array.of(1));
    await session.write({ w });
    w.fill(4);
    expect((await session.read()).w).toEqual(Float32Array.of(2));
  });

  it('runs programs on its state; inputs take precedence', async () => {
    const session = await referenceEngine.open({ w: Float32Array.of(2) });
    const twice = program('twice', { y: mul(input('w', [1]), 2) });
    expect((await session.run(twice, {})).y).toEqual(Float32Array.of(4));
    expect((await session.run(twice, { w: Float32Array.of(5) })).y).toEqual(Float32Array.of(10));
    await session.write({ w: Float32Array.of(3) });
    expect((await session.run(twice, {})).y).toEqual(Float32Array.of(6));
  });

  it('refuses what does not fit, by name', async () => {
    const session = await referenceEngine.open({ w: new Float32Array(3) });
    const plan = leastSquares();
    const at = { step: 0, lr: 0.1 };
    const { x, y } = batchOf(0);
    await expect(session.read(['v'])).rejects.toThrow('names must exist in the state, got "v"');
    await expect(session.write({ v: x })).rejects.toThrow('got "v"');
    await expect(session.write({ w: x })).rejects.toThrow('state "w" holds 3 values of f32, got 12 of f32');
    await expect(session.step(plan, [], at)).rejects.toThrow('a step takes one batch or more, got none');
    await expect(session.step(plan, [{ x }], at)).rejects.toThrow('takes f32[4, 1] as "y", got nothing');
    await expect(session.step(plan, [{ x, y: new Int32Array(4) }], at)).rejects.toThrow(
      'got 4 values of i32',
    );
    await expect(session.step(plan, [{ x, y: x }], at)).rejects.toThrow('got 12 values of f32');
    const two = { ...plan, parameters: [...plan.parameters, { name: 'b', weightDecay: 0, lrScale: 1 }] };
    await expect(session.step(two, [{ x, y }], at)).rejects.toThrow('must take every parameter, got no "b"');
  });
});
