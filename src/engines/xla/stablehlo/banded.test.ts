import { beforeAll, describe, expect, it } from 'vitest';
import { normals, seed } from '../../../../tests/support/random.ts';
import { relativeError } from '../../../../tests/support/task-fixture.ts';
import { openCpuXla } from '../../../../tests/support/xla.ts';
import { constant, grad, input, matmul, program, sizeOf, square, sumAll } from '../../../graph/index.ts';
import { areaRows } from '../../../nn/area.ts';
import { type Rng, rng } from '../../../random/rng.ts';
import { evaluateProgram } from '../../reference/evaluate.ts';
import type { XlaEngine } from '../engine.ts';
import { bandOf } from './banded.ts';
import { lower } from './lower.ts';

/** A matrix [rows, columns] with up to `taps` adjacent numbers per row. */
function randomBand(random: Rng, rows: number, columns: number, taps: number) {
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const length = row === 0 ? taps : random.int(taps + 1);
    const first = random.int(columns - length + 1);
    for (let tap = 0; tap < length; tap++) data[row * columns + first + tap] = random.normal();
  }
  return data;
}

/** The transpose of a matrix. */
function turn(matrix: Float32Array, columns: number): Float32Array {
  const rows = matrix.length / columns;
  return matrix.map((_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)]!);
}

describe(`products with banded constants (SEED=${seed})`, () => {
  let engine: XlaEngine;
  beforeAll(async () => {
    engine = await openCpuXla();
  });

  it.each([
    { side: 'left', transposed: false },
    { side: 'left', transposed: true },
    { side: 'right', transposed: false },
    { side: 'right', transposed: true },
  ])('$side, transposed: $transposed; values and gradients', async ({ side, transposed }) => {
    const random = rng(seed, side, Number(transposed));
    const [inner, outer, other] = [5 + random.int(8), 1 + random.int(12), 1 + random.int(5)];
    const turned = (side === 'left') === transposed;
    const data = randomBand(random, outer, inner, 4);
    const band = turned ? constant(turn(data, inner), [inner, outer]) : constant(data, [outer, inner]);
    expect(bandOf(band, turned)).toBeDefined();
    const batch = Array.from({ length: random.int(3) }, () => 1 + random.int(3));
    const x = input('x', side === 'left' ? [...batch, inner, other] : [...batch, other, inner]);
    const alpha = random.normal();
    const y =
      side === 'left'
        ? matmul(band, x, { transposeA: transposed, alpha })
        : matmul(x, band, { transposeB: transposed, alpha });
    const [dx] = grad(sumAll(square(y)), [x]);
    const both = program('both', { y, dx: dx! });
    const values = { x: normals(random, sizeOf(x.shape)) };
    const session = await engine.open({});
    const [got, truth] = [await session.run(both, values), evaluateProgram(both, values)];
    await session.dispose();
    expect(relativeError(got.y!, truth.y!)).toBeLessThan(1e-5);
    expect(relativeError(got.dx!, truth.dx!)).toBeLessThan(1e-5);
  });

  it('has no product of matrices where pictures are resized by area, nor in its gradient', () => {
    const x = input('x', [2, 3, 28, 28]);
    const resized = matmul(matmul(areaRows(28, 36), x), areaRows(28, 36), { transposeB: true });
    const [dx] = grad(sumAll(square(resized)), [x]);
    expect(lower(program('resize', { resized, dx: dx! }), 'resize').text).not.toContain('dot_general');
  });

  it('leaves arrays of nothing to products', async () => {
    const x = input('x', [0, 6, 4]);
    const none = program('none', { y: matmul(areaRows(6, 9), x) });
    const session = await engine.open({});
    expect((await session.run(none, { x: new Float32Array(0) })).y).toHaveLength(0);
    await session.dispose();
  });

  it('leaves other matrices to products', () => {
    const dense = constant(normals(rng(seed), 36), [6, 6]);
    const x = input('x', [2, 6, 4]);
    expect(bandOf(dense, false)).toBeUndefined();
    expect(bandOf(input('y', [6, 6]), false)).toBeUndefined();
    expect(lower(program('dense', { y: matmul(dense, x) }), 'dense').text).toContain('dot_general');
  });
});
