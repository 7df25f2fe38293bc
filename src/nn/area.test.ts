import { describe, expect, it } from 'vitest';
import { evaluate } from '../../tests/support/evaluate.ts';
import { readFixture } from '../../tests/support/fixture.ts';
import { normals, whole, withRandom } from '../../tests/support/random.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { constant, grad, input, mul, sumAll } from '../graph/index.ts';
import { areaMatrix, areaResize, areaRows, project } from './area.ts';

describe('areaMatrix', () => {
  it('averages the inputs that each output overlaps', () => {
    withRandom(200, (random) => {
      const [from, to] = [whole(random, 1, 30), whole(random, 1, 30)];
      const matrix = areaMatrix(from, to);
      for (let i = 0; i < to; i++) {
        // Output i covers [i/to, (i + 1)/to] of the side, input j covers [j/from, (j + 1)/from].
        const overlaps = (j: number) => j * to < (i + 1) * from && (j + 1) * to > i * from;
        const count = Array.from({ length: from }, (_, j) => j).filter(overlaps).length;
        for (let j = 0; j < from; j++)
          expect(matrix[i * from + j]).toBeCloseTo(overlaps(j) ? 1 / count : 0, 6);
      }
    });
  });

  it('is the identity between equal sides and an average of equal blocks between multiples', () => {
    expect([...areaMatrix(3, 3)]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
    expect([...areaMatrix(4, 2)]).toEqual([0.5, 0.5, 0, 0, 0, 0, 0.5, 0.5]);
    expect([...areaMatrix(2, 3)]).toEqual([1, 0, 0.5, 0.5, 0, 1]);
  });
});

describe('areaResize', () => {
  it('agrees with PyTorch, values and gradients', async () => {
    const { metadata, float } = await readFixture('pieces');
    const sizes: { from: [number, number]; to: [number, number] }[] = metadata('area');
    expect(sizes.length).toBeGreaterThan(5);
    for (const [i, { from, to }] of sizes.entries()) {
      const x = input('x', [1, 1, ...from]);
      const y = areaResize(x, to);
      const values = { x: float(`area.${i}.x`) };
      expect(relativeError(evaluate(y, values), float(`area.${i}.y`)), `${from} to ${to}`).toBeLessThan(1e-6);
      const loss = sumAll(mul(y, constant(float(`area.${i}.dy`), y.shape)));
      const dx = evaluate(grad(loss, [x])[0]!, values);
      expect(relativeError(dx, float(`area.${i}.dx`)), `${from} to ${to}`).toBeLessThan(1e-6);
    }
  });
});

it('computes single rows and columns of a resized picture', () => {
  withRandom(20, (random) => {
    const picture = constant(normals(random, 2 * 5 * 6), [1, 2, 5, 6]);
    const part = project(picture, areaRows(5, 9, 2, 4), areaRows(6, 4, 3, 4));
    const resized = evaluate(areaResize(picture, [9, 4]));
    const expected = [0, 1].flatMap((channel) => [2, 3].map((row) => resized[channel * 36 + row * 4 + 3]!));
    expect(relativeError(evaluate(part), expected)).toBeLessThan(1e-12);
  });
});
