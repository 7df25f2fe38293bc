import { expect, it } from 'vitest';
import { degradeOne } from '../../tests/support/degrade.ts';
import { normals, withRandom } from '../../tests/support/random.ts';
import { zoomedIn } from './zoomed-in.ts';

it.each([
  [224, 288],
  [32, 42],
  [24, 30],
  [40, 52],
  [64, 82],
  [384, 494],
])('an input of %i needs a view of %i', (side, view) => {
  expect(zoomedIn.view([side, 224])).toEqual([view, 288]);
});

it('shows the centre of the view', () => {
  withRandom(5, (random) => {
    const view = normals(random, 2 * 30 * 52);
    const centre: number[] = [];
    for (let c = 0; c < 2; c++)
      for (let y = 3; y < 27; y++) for (let x = 6; x < 46; x++) centre.push(view[(c * 30 + y) * 52 + x]!);
    expect(degradeOne(zoomedIn, [24, 40], view)).toEqual(centre);
  });
});

it('refuses images without room for a border', () => {
  expect(() => zoomedIn.view([3, 32])).toThrow(
    'zoomed-in needs images of at least 4 pixels a side, got 3×32',
  );
});
