import { describe, expect, it } from 'vitest';
import { isMissing, oneDnnFolder } from '../../../tests/support/libraries.ts';
import { normals, seed } from '../../../tests/support/random.ts';
import { relativeError } from '../../../tests/support/task-fixture.ts';
import { attention, grad, input, mul, program, sizeOf, sumAll } from '../../graph/index.ts';
import { rng } from '../../random/rng.ts';
import { evaluateProgram } from '../reference/evaluate.ts';
import { openOneDnnEngine } from './engine.ts';

/** Bounds of relative errors. */
const tolerances = { f32: 1e-5, bf16: 2e-2 };

for (const precision of ['f32', 'bf16'] as const)
  describe.skipIf(precision === 'bf16' && isMissing('a CPU with bfloat16'))(
    `attention over long sequences in ${precision} (SEED=${seed})`,
    () => {
      // 32 MB hold the weights of 28 heads of 540 tokens, and of 25 of 300 · 1,100.
      it.each([
        { tokens: 540, memory: 540, heads: 30 },
        { tokens: 300, memory: 1100, heads: 2 },
      ])('equals the reference: %o', async ({ tokens, memory, heads }) => {
        const random = rng(seed, `${tokens}`);
        const side = (count: number) => [2, heads, count, 8];
        const shapes = { q: side(tokens), k: side(memory), v: side(memory), dy: side(tokens) };
        const [q, k, v, dy] = Object.entries(shapes).map(([name, shape]) => input(name, shape));
        const y = attention(q!, k!, v!);
        const [dq, dk, dv] = grad(sumAll(mul(y, dy!)), [q!, k!, v!]);
        const made = program('attention', { y, dq: dq!, dk: dk!, dv: dv! });
        const values = Object.fromEntries(
          Object.entries(shapes).map(([name, shape]) => [name, normals(random, sizeOf(shape))]),
        );
        const engine = await openOneDnnEngine({ threads: 2, folder: oneDnnFolder, precision });
        const session = await engine.open({});
        const got = await session.run(made, values);
        await session.dispose();
        for (const [name, expected] of Object.entries(evaluateProgram(made, values)))
          expect(relativeError(got[name] as Float32Array, Array.from(expected)), name).toBeLessThan(
            tolerances[precision],
          );
      });
    },
  );
