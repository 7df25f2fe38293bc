import { describe, expect, it } from 'vitest';
import { testCollectives } from '../../../tests/support/collective-suite.ts';
import { isMissing, oneDnnFolder } from '../../../tests/support/libraries.ts';
import { childrenOf } from '../../../tests/support/processes.ts';
import { normals, seed } from '../../../tests/support/random.ts';
import { testSessions } from '../../../tests/support/session-suite.ts';
import { largest, TinyTraining } from '../../../tests/support/tiny-training.ts';
import { broadcast, input, matmul, pad, program, sizeOf } from '../../graph/index.ts';
import { rng } from '../../random/rng.ts';
import { referenceEngine } from '../reference/engine.ts';
import { evaluateProgram } from '../reference/evaluate.ts';
import { openOneDnnEngine } from './engine.ts';
import { lower } from './lower.ts';

const training = new TinyTraining({ depth: 2, pretext: 'masked+zoomed-in' });

describe(`sessions of the onednn engine (SEED=${seed})`, () => {
  testSessions(training, () => openOneDnnEngine({ threads: 2, folder: oneDnnFolder }));
});

describe('the process of the onednn engine', () => {
  it("leaves the reaction to a group's signal to this process", async () => {
    const before = childrenOf(process.pid);
    const engine = await openOneDnnEngine({ threads: 1, folder: oneDnnFolder });
    const session = await engine.open({ x: Float32Array.of(1, 2) });
    const made = childrenOf(process.pid).filter((pid) => !before.includes(pid));
    expect(made.length).toBeGreaterThan(0);
    for (const pid of made) for (const signal of ['SIGTERM', 'SIGINT']) process.kill(pid, signal);
    expect(await session.read()).toEqual({ x: Float32Array.of(1, 2) });
    await session.dispose();
  });
});

describe.skipIf(isMissing('a CPU with bfloat16'))(`bfloat16 (SEED=${seed})`, () => {
  it('follows float32: losses, gradients and weights of ten steps', async () => {
    const narrow = await openOneDnnEngine({ threads: 1, precision: 'bf16', folder: oneDnnFolder });
    const ours = await training.run(narrow, training.adamw(), 10);
    const truth = await training.run(referenceEngine, training.adamw(), 10);
    ours.rows.forEach(({ metrics, gradientNorm }, step) => {
      const expected = truth.rows[step]!;
      // Eight bits of mantissa: products are off by 2⁻⁹ at most, and their errors average out.
      expect(Math.abs(metrics.loss! / expected.metrics.loss! - 1)).toBeLessThan(4e-3);
      expect(Math.abs(gradientNorm / expected.gradientNorm - 1)).toBeLessThan(0.03);
      expect(metrics.loss).not.toBe(expected.metrics.loss);
    });
  });

  it.each(['masked+zoomed-in', 'masked+blurred'])(
    'leaves what degrades pictures in float32: %s',
    async (pretext) => {
      const training = new TinyTraining({ depth: 1, pretext });
      const { programs, weights } = training;
      const narrow = await (
        await openOneDnnEngine({ threads: 1, precision: 'bf16', folder: oneDnnFolder })
      ).open(weights);
      const exact = await referenceEngine.open(weights);
      const [got, truth] = [
        await narrow.run(programs.reconstruct, training.batch(0)),
        await exact.run(programs.reconstruct, training.batch(0)),
      ];
      const apart = (name: string) => largest(Float32Array.from(truth[name]!, (x, i) => x - got[name]![i]!));
      expect(apart('degraded')).toBeLessThan(1e-5);
      expect(apart('original')).toBeLessThan(1e-5);
      expect(apart('reconstruction')).toBeGreaterThan(1e-5);
      await narrow.dispose();
    },
  );

  it('is what lies between products, padded or repeated, too', async () => {
    const shapes = { a: [3, 5], b: [5, 4], c: [7, 6], d: [1, 5], e: [5, 5], f: [5, 6] };
    const random = rng(seed, 'padded');
    const values = Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => [name, normals(random, sizeOf(shape))]),
    );
    const [a, b, c, d, e, f] = Object.entries(shapes).map(([name, shape]) => input(name, shape));
    const y = matmul(pad(matmul(a!, b!), [0, 1], [1, 2]), c!);
    const z = matmul(broadcast(matmul(d!, e!), [4, 5]), f!);
    const both = program('padded', { y, z });
    const { instructions } = lower(both, new Set(Object.keys(shapes)), 'bf16');
    const copies = instructions.filter((each) => each.kind === 'copy' && each.x.dtype === 'bf16');
    expect(copies.map(({ out }) => out.dtype)).toEqual(['bf16', 'bf16']);
    const engine = await openOneDnnEngine({ threads: 1, precision: 'bf16', folder: oneDnnFolder });
    const session = await engine.open({});
    const [got, truth] = [await session.run(both, values), evaluateProgram(both, values)];
    for (const name of ['y', 'z'] as const) {
      const apart = largest(Float32Array.from(truth[name]!, (x, i) => x - got[name]![i]!));
      expect(apart / largest(truth[name]!), name).toBeLessThan(0.02);
    }
    await session.dispose();
  });

  it('two runs are the same, bit for bit', async () => {
    const engine = await openOneDnnEngine({ threads: 2, precision: 'bf16', folder: oneDnnFolder });
    const [a, b] = [
      await training.run(engine, training.adamw(), 3),
      await training.run(engine, training.adamw(), 3),
    ];
    expect(a.rows).toEqual(b.rows);
    expect(a.state).toEqual(b.state);
  });
});

describe(`collectives of oneDNN (SEED=${seed})`, () => {
  testCollectives(new TinyTraining({ depth: 1, pretext: 'masked' }), () =>
    openOneDnnEngine({ threads: 1, folder: oneDnnFolder }),
  );
});
