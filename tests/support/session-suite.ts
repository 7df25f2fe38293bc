import { beforeAll, expect, it } from 'vitest';
import { type Engine, gradientName, type Session, type TrainingPlan } from '../../src/engines/engine.ts';
import { referenceEngine } from '../../src/engines/reference/engine.ts';
import {
  add,
  broadcast,
  div,
  exp,
  grad,
  input,
  matmul,
  meanAll,
  mul,
  program,
  square,
  sub,
  type Values,
} from '../../src/graph/index.ts';
import { rng } from '../../src/random/rng.ts';
import { seed } from './random.ts';
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

  /** mean (exp(x w v / 4) − target)², where the caller makes the targets of x w. */
  const halfway = () => {
    const [w, v, x] = [input('w', [3, 5]), input('v', [5, 2]), input('x', [4, 3])];
    const hidden = matmul(x, w);
    const result = exp(mul(matmul(hidden, v), 0.05));
    const loss = meanAll(square(sub(result, mul(input('target', [4, 2]), input('factor', [])))));
    const names = ['w', 'v'];
    const gradients = grad(loss, [w, v]).map((gradient, i) => [gradientName(names[i]!), gradient] as const);
    const plan: TrainingPlan = {
      ...training.descent(),
      gradients: program('halves', { loss, ...Object.fromEntries(gradients) }),
      midway: program('first half', { hidden }),
      parameters: names.map((name) => ({ name, weightDecay: 0, lrScale: 1 })),
    };
    const random = rng(seed, 'halfway');
    const draw = (length: number) => Float32Array.from({ length }, () => random.normal());
    const state = { w: draw(15), v: draw(10), factor: Float32Array.of(0.5) };
    const batches = [{ x: draw(12) }, { x: draw(12) }];
    /** Differs from part to part, and from one value of a tensor to the next. */
    const complete = async ({ hidden }: Values, part: number) => ({
      target: Float32Array.from({ length: 8 }, (_, i) => Math.tanh(hidden![i]! + part) + i / 8),
    });
    return { plan, state, batches, complete };
  };

  it('makes inputs midway, of the weights of each step, as the reference does', async () => {
    const { plan, state, batches, complete } = halfway();
    const trained = async (each: Engine) => {
      const session = await each.open(state);
      const rows = [];
      const seen: number[][] = [];
      for (let step = 0; step < 3; step++)
        rows.push(
          await session.step(plan, batches, { step, lr: 0.01 }, (values, part) => {
            seen.push([part, values.hidden![0]!]);
            return complete(values, part);
          }),
        );
      const read = await session.read();
      await session.dispose();
      return { rows, state: read, seen };
    };
    const [ours, again, truth] = [
      await trained(engine),
      await trained(engine),
      await trained(referenceEngine),
    ];
    expectAlike(ours, truth);
    expect(again).toEqual(ours);
    expect(ours.seen.map(([part]) => part)).toEqual([0, 1, 0, 1, 0, 1]);
    ours.seen.forEach(([, value], i) => {
      expect(value! - truth.seen[i]![1]!).toBeCloseTo(0, 4);
    });
    expect(ours.seen[2]![1]).not.toBe(ours.seen[0]![1]);
  });

  it('rejects with the error of whoever makes inputs midway, refuses none and such that do not fit, and stays usable', async () => {
    const { plan, state, batches, complete } = halfway();
    const session = await engine.open(state);
    const at = { step: 0, lr: 0.1 };
    const own = new RangeError('no targets today');
    await expect(session.step(plan, batches, at, () => Promise.reject(own))).rejects.toBe(own);
    const short = async () => ({ target: new Float32Array(7) });
    await expect(session.step(plan, batches, at, short)).rejects.toThrow(
      'takes f32[4, 2] as "target", got 7 values of f32',
    );
    await expect(session.step(plan, batches, at)).rejects.toThrow('inputs of values midway, got none');
    expect(await session.read()).toEqual(state);
    const { metrics } = await session.step(plan, batches, at, complete);
    expect(metrics.loss).toBeGreaterThan(0);
    await session.dispose();
  });

  it('keeps the first half of a step while other programs are asked for', async () => {
    const { plan, state, batches, complete } = halfway();
    const stepped = async (meanwhile: (session: Session) => unknown) => {
      const session = await engine.open(state);
      const asked: unknown[] = [];
      const slow = async (values: Values, part: number) => {
        const other = meanwhile(session);
        await new Promise((resolve) => setTimeout(resolve, 50));
        asked.push(other);
        return complete(values, part);
      };
      const row = await session.step(plan, batches, { step: 0, lr: 0.1 }, slow);
      await Promise.all(asked);
      const read = await session.read();
      await session.dispose();
      return { row, read };
    };
    const other = program('other', { large: matmul(input('x', [4, 3]), input('w', [3, 5])) });
    const x = Float32Array.from({ length: 12 }, () => 1e6);
    const disturbed = await stepped((session) => session.run(other, { x }));
    expect(disturbed).toEqual(await stepped(() => undefined));
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
