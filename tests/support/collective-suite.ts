import { expect, it } from 'vitest';
import type { CollectiveModule } from '../../src/engines/collective.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { openHub } from './test-collective.mjs';
import { expectAlike, type TinyTraining } from './tiny-training.ts';

const module = new URL('./test-collective.mjs', import.meta.url).href;

/** Tests that sessions of an engine with a collective train like one session with all batches. */
export function testCollectives(training: TinyTraining, open: () => Promise<Engine>): void {
  const rank = async (engine: Engine, collective: CollectiveModule, take: (step: number) => number[]) => {
    const session = await engine.open(training.weights, { collective });
    const plan = training.adamw(0.1);
    const rows = [];
    for (let step = 0; step < 5; step++) {
      const batches = take(step).map((at) => training.batch(at));
      rows.push(await session.step(plan, batches, { step, lr: 1e-3 * (step + 1) }));
    }
    const state = await session.read();
    await session.dispose();
    return { rows, state };
  };

  /** A collective of two ranks over a hub. */
  const joining = (number: number, { port }: { readonly port: number }): CollectiveModule => ({
    module,
    export: 'joinHub',
    options: { rank: number, size: 2, port },
  });

  it('a rank takes the state of rank 0, whatever it opens with', async () => {
    const engine = await open();
    const hub = await openHub(2);
    const other = Object.fromEntries(
      Object.entries(training.weights).map(([name, data]) => [
        name,
        data.map((x) => x / 2 + 1) as typeof data,
      ]),
    );
    const shares = [training.weights, other].map(async (weights, number) => {
      const session = await engine.open(weights, { collective: joining(number, hub) });
      const state = await session.read();
      await session.dispose();
      return state;
    });
    expect(await Promise.all(shares)).toEqual([training.weights, training.weights]);
    hub.close();
  });

  it('refuses ranks with other models', async () => {
    const engine = await open();
    const hub = await openHub(2);
    const shares = [0, 1].map(async (number) => {
      const { length } = Object.values(training.weights)[0]!;
      const weights = { ...training.weights, ...(number && { more: new Float32Array(length) }) };
      await expect(engine.open(weights, { collective: joining(number, hub) })).rejects.toThrow(
        `ranks must train the same model, got another one on rank ${number} of 2`,
      );
    });
    await Promise.all(shares);
    hub.close();
  });

  it("sums the caller's numbers in a step and between steps", async () => {
    const engine = await open();
    const hub = await openHub(2);
    const shares = [0, 1].map(async (number) => {
      const session = await engine.open(training.weights, { collective: joining(number, hub) });
      const between = await session.sum!([number + 0.5, 7]);
      const plan = training.adamw();
      const at = { step: 0, lr: 1e-3, numbers: [number, 1, 2 ** 52 * number] };
      const { numbers, metrics, milliseconds } = await session.step(plan, [training.batch(number)], at);
      await session.dispose();
      return { between, numbers, metrics, milliseconds };
    });
    const [first, second] = await Promise.all(shares);
    expect(second).toEqual(first);
    expect(first).toMatchObject({ between: [2, 14], numbers: [1, 2, 2 ** 52] });
    expect(Object.keys(first!.metrics)).not.toHaveLength(0);
    expect(first!.milliseconds!.map((time) => time > 0)).toEqual([true, true]);
    hub.close();
  });

  it.each([1, 2])('two ranks of %i micro-batches are one rank of twice as many', async (micro) => {
    const engine = await open();
    const hub = await openHub(2);
    const shares = [0, 1].map((number) =>
      rank(engine, joining(number, hub), (step) =>
        Array.from({ length: micro }, (_, i) => (2 * step + number) * micro + i),
      ),
    );
    const [first, second] = await Promise.all(shares);
    hub.close();
    expect(second).toEqual(first);
    expectAlike(first!, await training.run(engine, training.adamw(0.1), 5, 2 * micro));
  });

  it('two ranks with the same batches are one rank, bit for bit', async () => {
    const engine = await open();
    const got = await rank(engine, { module, export: 'doubling' }, (step) => [step]);
    const alone = await training.run(engine, training.adamw(0.1), 5);
    const summed = { numbers: [], milliseconds: [expect.any(Number), expect.any(Number)] };
    expect(got).toEqual({ ...alone, rows: alone.rows.map((row) => ({ ...row, ...summed })) });
  });

  it('refuses ranks with unequal numbers of micro-batches, on each of them', async () => {
    const engine = await open();
    const hub = await openHub(2);
    const shares = [0, 1].map(async (number) => {
      const session = await engine.open(training.weights, { collective: joining(number, hub) });
      await expect(training.step(session, training.adamw(), 0, number + 1)).rejects.toThrow(
        `same number of micro-batches in a step, got ${number + 1} on rank ${number} of 2: 3 over all ranks`,
      );
      await session.dispose();
    });
    await Promise.all(shares);
    hub.close();
  });

  it.each([
    [{ module: './mpi.js' }, "a collective's module must be given as a URL"],
    [{ module, export: 'nothing' }, 'must export a function "nothing", got undefined'],
    [{ module, export: 'wrongRank' }, 'must lie in [0, size), got rank 2 and size 2'],
    [{ module, export: 'speechless' }, 'must have a method broadcast, got undefined'],
    [{ module: 'file:///no/such/module.mjs' }, "a collective's module must load"],
  ])('refuses %o', async (collective, message) => {
    await expect((await open()).open(training.weights, { collective })).rejects.toThrow(message);
  });
}
