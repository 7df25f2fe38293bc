import { expect, it } from 'vitest';
import { fc } from '../../../tests/support/random.ts';
import { divide, folds } from './folds.ts';

it('every row is in one fold; sizes of folds and their classes differ by at most one row', () => {
  const sets = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(sets, fc.integer({ min: 1, max: 12 }), fc.nat(99), (list, count, seed) => {
      const labels = Int32Array.from(list);
      const parts = folds(labels, count, seed);
      expect(parts).toHaveLength(Math.min(count, list.length));
      expect([...parts.flatMap((part) => [...part])].sort((a, b) => a - b)).toEqual([...labels.keys()]);
      const differ = (sizes: readonly number[]) => Math.max(...sizes) - Math.min(...sizes);
      expect(differ(parts.map(({ length }) => length))).toBeLessThanOrEqual(1);
      for (let label = 0; label < 5; label++)
        expect(differ(parts.map((part) => part.filter((row) => labels[row] === label).length))).toBeLessThan(
          2,
        );
    }),
  );
});

it('divides rows and labels alike', () => {
  const features = Float32Array.of(0, 0.5, 1, 1.5, 2, 2.5);
  const { train, test } = divide({ features, labels: Int32Array.of(7, 8, 9) }, Int32Array.of(1));
  expect([[...train.features], [...train.labels]]).toEqual([
    [0, 0.5, 2, 2.5],
    [7, 9],
  ]);
  expect([[...test.features], [...test.labels]]).toEqual([[1, 1.5], [8]]);
});
