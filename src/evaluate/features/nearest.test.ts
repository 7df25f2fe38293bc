import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readNpy } from '../../io/read-npy.ts';
import { nearest } from './nearest.ts';

const fixtures = fileURLToPath(new URL('../../../tests/fixtures/npy/', import.meta.url));
const expected = JSON.parse(readFileSync(`${fixtures}neighbours.json`, 'utf8')) as {
  rows: number[];
  similarities: number[];
}[];

test('finds the neighbours that NumPy finds', async () => {
  const [features, queries] = await Promise.all(
    ['features', 'queries'].map(
      async (name) => (await readNpy(`${fixtures}${name}.npy`)).data as Float32Array,
    ),
  );
  const width = 7;
  for (const [i, { rows, similarities }] of expected.entries()) {
    const query = queries!.subarray(i * width, (i + 1) * width);
    const found = nearest({ features: features!, width }, query, { k: 9 });
    expect(found.map(({ row }) => row)).toEqual(rows);
    for (const [j, { similarity }] of found.entries())
      expect(Math.abs(similarity - similarities[j]!)).toBeLessThan(1e-12);
  }
});

const features = { features: [1, 0, 0, 2, -1, 0, 0, 0], width: 2, names: ['a', 'b', 'c', 'd'] };

test('names the rows; rows of zeros have similarity 0; k may exceed the number of rows', () => {
  expect(nearest(features, [3, 0], { k: 99 })).toEqual([
    { row: 0, name: 'a', similarity: 1 },
    { row: 1, name: 'b', similarity: 0 },
    { row: 3, name: 'd', similarity: 0 },
    { row: 2, name: 'c', similarity: -1 },
  ]);
});

test.each([
  [
    { features: [1, 2, 3], width: 2 },
    [1, 1],
    {},
    'rows of one width of at least 1, got 3 values and width 2',
  ],
  [{ features: [], width: 0 }, [], {}, 'rows of one width of at least 1, got 0 values and width 0'],
  [features, [1], {}, "a query must have the features' 2 values, got 1"],
  [features, [1, 1], { k: 0 }, 'k must be a whole number of at least 1, got 0'],
  [features, [1, Number.NaN], {}, 'features must be finite numbers, got others in row 0 or the query'],
  [{ ...features, names: ['a'] }, [1, 1], {}, 'names must be one for each of 4 rows, got 1'],
])('refuses what cannot be compared', (rows, query, options, message) => {
  expect(() => nearest(rows, query, options)).toThrow(message);
});
