import { beforeAll, expect, it } from 'vitest';
import type { Backend, Session } from '../../src/engines/engine.ts';
import { referenceBackend } from '../../src/engines/reference/backend.ts';
import { expectAlike, type TinyTraining } from './tiny-training.ts';

/** Tests that sessions of an engine train as the reference does, keep their state, and refuse what does not fit. */
export function testSessions(training: TinyTraining, open: () => Promise<Backend>): void {
  const { weights, programs } = training;
  let backend: Backend;
  beforeAll(async () => {
    backend = await open();
  });

  it.each([
    ['AdamW', training.adamw(), 1],
    ['accumulated and clipped', training.adamw(0.1), 4],
    ['a rule without a kernel', training.descent(), 1],
  ] as const)('ten steps equal the reference: %s', async (_, plan, micro) => {
    expectAlike(
      await training.run(backend, plan, 10, micro),
      await training.run(referenceBackend, plan, 10, micro),
    );
  });

  it('two runs are the same, bit for bit, however many steps are in flight', async () => {
    const plan = training.adamw();
    const one = await training.run(backend, plan, 5);
    const session = await backend.open(weights);
    const running = Array.from({ length: 5 }, (_, step) => training.step(session, plan, step));
    expect(await Promise.all(running)).toEqual(one.rows);
    expect(await session.read()).toEqual(one.state);
    await session.dispose();
  });

  it('goes on from its state as if it had not stopped, bit for bit', async () => {
    const plan = training.adamw();
    const whole = await backend.open(weights);
    const twoSteps = async (session: Session, from: number) => ({
      rows: [await training.step(session, plan, from), await training.step(session, plan, from + 1)],
      state: await session.read(),
    });
    const { state } = await twoSteps(whole, 0);
    const expected = await twoSteps(whole, 2);
    await whole.dispose();
    const session = await backend.open(state);
    expect(await twoSteps(session, 2)).toEqual(expected);
    await session.write(state);
    expect(await twoSteps(session, 2)).toEqual(expected);
    await session.dispose();
  });

  it('leaves the state as it was when a loss is not finite, and names it', async () => {
    const session = await backend.open({ ...weights, mask_token: weights.mask_token!.map(() => Number.NaN) });
    const before = await session.read(['blocks.0.mlp.fc1.weight']);
    const result = await session.step(training.descent(), [training.batch(0)], { step: 0, lr: 1 });
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
    await expect(session.read(['mask_token'])).rejects.toThrow(/has been stopped|after it was disposed/);
  });
}
