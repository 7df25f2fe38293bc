import { beforeAll, expect, it } from 'vitest';
import type { Engine, Session, TrainingPlan } from '../../src/engines/engine.ts';
import { referenceEngine } from '../../src/engines/reference/engine.ts';
import { add, broadcast, div, input, mul, program, type Values } from '../../src/graph/index.ts';
import { expectAlike, type TinyTraining } from './tiny-training.ts';

/**
 * Tests that an engine's sessions train as the reference does, keep their state, and refuse inputs that do not fit.
 */
export function testSessions(training: TinyTraining, open: () => Promise<Engine>): void {
  const { weights, programs } = training;
  let engine: Engine;
  beforeAll(async () => {
    engine = await open();
  });

  it.each([
    ['AdamW', training.adamw(), 1],
    ['accumulated and clipped', training.adamw(0.1), 4],
    ['a rule without a kernel', training.descent(), 1],
  ] as const)('ten steps equal the reference: %s', async (_, plan, micro) => {
    expectAlike(
      await training.run(engine, plan, 10, micro),
      await training.run(referenceEngine, plan, 10, micro),
    );
  });

  it('two runs are the same, bit for bit, however many steps are in flight', async () => {
    const plan = training.adamw();
    const one = await training.run(engine, plan, 5);
    const session = await engine.open(weights);
    const running = Array.from({ length: 5 }, (_, step) => training.step(session, plan, step));
    expect(await Promise.all(running)).toEqual(one.rows);
    expect(await session.read()).toEqual(one.state);
    await session.dispose();
  });

  it('resumes from its state exactly, bit for bit', async () => {
    const plan = training.adamw();
    const whole = await engine.open(weights);
    const twoSteps = async (session: Session, from: number) => ({
      rows: [await training.step(session, plan, from), await training.step(session, plan, from + 1)],
      state: await session.read(),
    });
    const { state } = await twoSteps(whole, 0);
    const expected = await twoSteps(whole, 2);
    await whole.dispose();
    const session = await engine.open(state);
    expect(await twoSteps(session, 2)).toEqual(expected);
    await session.write(state);
    expect(await twoSteps(session, 2)).toEqual(expected);
    await session.dispose();
  });

  it('leaves the state as it was when a loss is not finite, and names it', async () => {
    const session = await engine.open({ ...weights, mask_token: weights.mask_token!.map(() => Number.NaN) });
    const before = await session.read(['blocks.0.mlp.fc1.weight']);
    const result = await session.step(training.descent(), [training.batch(0)], { step: 0, lr: 1 });
    expect(result.nonFinite).toBe('loss');
    expect(await session.read(['blocks.0.mlp.fc1.weight'])).toEqual(before);
    await session.dispose();
  });

  const stated = (from = 0): { plan: TrainingPlan; state: Values } => {
    const { gradients } = training.adamw();
    const rows = input('running', [4, 2]);
    const loss = gradients.outputs.loss!;
    const outputs = {
      ...gradients.outputs,
      next: add(mul(rows, 0.75), mul(broadcast(loss, [4, 2]), 0.25)), // an average that moves
      previous: rows,
      total: div(loss, input('divisor', [])),
    };
    const state = { next: 'running', previous: 'before', total: 'total' };
    const plan = { ...training.adamw(0.1), gradients: program('with statistics', outputs), state };
    const running = Float32Array.from({ length: 8 }, (_, i) => from + i);
    const tensors = { running, before: new Float32Array(8), total: new Float32Array(1) };
    return { plan, state: { ...tensors, divisor: Float32Array.of(2) } };
  };

  it.each([1, 3])(
    'keeps state outputs, the means over %i micro-batches, as the reference does',
    async (micro) => {
      const { plan, state } = stated();
      const [ours, truth] = await Promise.all(
        [engine, referenceEngine].map(async (each) => {
          const session = await each.open({ ...weights, ...state });
          const rows = [];
          for (let step = 0; step < 3; step++) rows.push(await training.step(session, plan, step, micro));
          const read = await session.read();
          await session.dispose();
          return { rows, state: read };
        }),
      );
      expectAlike(ours!, truth!);
      expect(ours!.rows[0]!.metrics).not.toHaveProperty('total'); // a state output is no metric
      const { running, before, total } = ours!.state;
      const losses = ours!.rows.map(({ metrics }) => metrics.loss!);
      let value = 3;
      let last = value;
      for (const loss of losses) [last, value] = [value, 0.75 * value + 0.25 * loss];
      expect(running![3]).toBeCloseTo(value, 4);
      expect(before![3]).toBeCloseTo(last, 4);
      expect(total![0]).toBeCloseTo(losses.at(-1)! / 2, 4);
    },
  );

  it('leaves state outputs alone when a step is not finite, and names one that is not', async () => {
    const { plan, state } = stated(5);
    const session = await engine.open({ ...weights, ...state, divisor: Float32Array.of(0) });
    const before = await session.read(Object.keys(state));
    expect((await training.step(session, plan, 0)).nonFinite).toBe('total');
    expect(await session.read(Object.keys(state))).toEqual(before);
    expect(await session.read(['mask_token'])).toEqual({ mask_token: weights.mask_token });
    await session.write({ divisor: Float32Array.of(1) });
    expect((await training.step(session, plan, 0)).nonFinite).toBeUndefined();
    const ill = { ...plan, state: { ...plan.state, next: 'mask_token' } };
    await expect(training.step(session, ill, 1)).rejects.toThrow('got "next" for "mask_token"');
    const unfit = { ...plan, state: { ...plan.state, next: 'total', total: 'running' } };
    await expect(training.step(session, unfit, 1)).rejects.toThrow('holds 1 value of f32 and takes as many');
    await session.dispose();
  });

  it('takes steps of several micro-batches in turn, however many are in flight', async () => {
    const plan = training.descent();
    const one = await training.run(engine, plan, 3, 4);
    const session = await engine.open(weights);
    const running = Array.from({ length: 3 }, (_, step) => training.step(session, plan, step, 4));
    expect(await Promise.all(running)).toEqual(one.rows);
    expect(await session.read()).toEqual(one.state);
    await session.dispose();
  });

  it('refuses inputs that do not fit, and stays usable', async () => {
    const session = await engine.open(weights);
    await expect(session.read(['nobody'])).rejects.toThrow('got "nobody"');
    await expect(session.write({ mask_token: new Float32Array(3) })).rejects.toThrow(
      'holds 8 values of f32, got 3',
    );
    await expect(session.run(programs.features, {})).rejects.toThrow('as "view", got nothing');
    await session.write({ mask_token: new Float32Array(8).fill(2) });
    expect(await session.read(['mask_token'])).toEqual({ mask_token: new Float32Array(8).fill(2) });
    await session.dispose();
    await expect(session.read(['mask_token'])).rejects.toThrow(/has been stopped|after it was disposed/);
  });
}
