import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../tests/support/evaluate.ts';
import { readFixture } from '../../../tests/support/fixture.ts';
import { normals, withRandom } from '../../../tests/support/random.ts';
import { relativeError } from '../../../tests/support/task-fixture.ts';
import { constant } from '../../graph/index.ts';
import { channelsLast, patchify } from '../patches.ts';
import { patchTarget } from './pixels.ts';
import type { TargetContext } from './target.ts';

const kinds = ['channel', 'patch', 'none'] as const;

describe.each(kinds)('target %s', (target) => {
  it('agrees with the oracle', async () => {
    const { float, shape, metadata } = await readFixture('pieces');
    const [, channels, height, width] = shape('target.image') as [number, number, number, number];
    const context = { image: [height, width], channels, target, ...metadata('target') } as TargetContext;
    const image = constant(float('target.image'), shape('target.image'));
    const values = evaluate(channelsLast(patchTarget(image, target, context).values, channels));
    expect(relativeError(values, float(`target.${target}`))).toBeLessThan(1e-6);
  });

  it('goes back to pixels', () => {
    withRandom(10, (random) => {
      const context = {
        image: [6, 9] as const,
        patch: 3,
        channels: 2,
        target,
        mean: [0.4, 0.5],
        std: [random.uniform(0.1, 1), random.uniform(0.1, 1)],
      };
      const image = constant(normals(random, 2 * 2 * 54), [2, 2, 6, 9]);
      const { values, toPixels } = patchTarget(image, target, context);
      expect(relativeError(evaluate(toPixels(values)), evaluate(patchify(image, 3)))).toBeLessThan(1e-9);
    });
  });
});

it('is flat where a patch is flat', () => {
  const context = { image: [4, 4], patch: 4, channels: 1, mean: [0.5], std: [0.25] } as const;
  const image = constant(new Float32Array(16).fill(0.75), [1, 1, 4, 4]);
  for (const target of ['channel', 'patch'] as const)
    expect(evaluate(patchTarget(image, target, context).values)).toEqual(new Array(16).fill(0));
});
