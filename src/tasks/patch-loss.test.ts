import { expect, it } from 'vitest';
import { evaluate } from '../../tests/support/evaluate.ts';
import { normals, whole, withRandom } from '../../tests/support/random.ts';
import { constant } from '../graph/index.ts';
import { maskTokens } from '../nn/masking.ts';
import { patchLoss } from './patch-loss.ts';

it('is the mean square over all patches, or over removed ones', () => {
  withRandom(30, (random) => {
    const [patches, size] = [whole(random, 2, 6), whole(random, 1, 5)];
    const residual = normals(random, patches * size);
    const tensor = constant(residual, [1, patches, size]);
    const meanSquare = (chosen: readonly number[]) => {
      const values = chosen.flatMap((n) => [...residual.slice(n * size, (n + 1) * size)]);
      return values.reduce((sum, x) => sum + x * x, 0) / values.length;
    };
    expect(evaluate(patchLoss(tensor))[0]).toBeCloseTo(meanSquare([...Array(patches).keys()]), 6);
    const order = random.permutation(patches);
    const visible = whole(random, 1, patches - 1);
    const masking = maskTokens(constant(order, [1, patches]), visible);
    expect(evaluate(patchLoss(tensor, masking))[0]).toBeCloseTo(meanSquare([...order.slice(visible)]), 6);
  });
});
