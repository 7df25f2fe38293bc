import { expect, it } from 'vitest';
import { degradeOne } from '../../tests/support/degrade.ts';
import { normals, whole, withRandom } from '../../tests/support/random.ts';
import { rng } from '../random/rng.ts';
import { zoomedOut } from './zoomed-out.ts';

it.each([
  [224, 160],
  [32, 23],
  [24, 17],
  [40, 29],
  [64, 46],
])('an input of %i needs a view of %i', (side, view) => {
  expect(zoomedOut.view([side, 224])).toEqual([view, 160]);
});

/** NumPy's `symmetric` padding of indices 0 … n − 1: d c b a | a b c d | d c b a. */
const symmetric = (i: number, n: number) => {
  const period = ((i % (2 * n)) + 2 * n) % (2 * n);
  return period < n ? period : 2 * n - 1 - period;
};

it('repeats the view mirrored, wherever it lies', () => {
  withRandom(20, (random) => {
    const image = [whole(random, 8, 20), whole(random, 8, 20)] as const;
    const [height, width] = zoomedOut.view(image);
    const corners = [0, image[0] - height - 1];
    const top = random.int(3) === 0 ? corners[random.int(2)]! : random.int(image[0] - height);
    const left = random.int(image[1] - width);
    const view = normals(random, height * width);
    const expected: number[] = [];
    for (let y = 0; y < image[0]; y++)
      for (let x = 0; x < image[1]; x++)
        expected.push(view[symmetric(y - top, height) * width + symmetric(x - left, width)]!);
    const draws = { top: Int32Array.of(top), left: Int32Array.of(left) };
    expect(degradeOne(zoomedOut, image, view, draws)).toEqual(expected);
  });
});

it('draws every offset in [0, side − view side), each axis by its own', () => {
  withRandom(3, (random) => {
    const seed = random.uint32();
    const geometry = { image: [224, 28], patch: 14, channels: 3 } as const;
    const draws = Array.from({ length: 3000 }, (_, i) => zoomedOut.draw(rng(seed, i), geometry));
    const values = (name: string) => [...new Set(draws.map((draw) => draw[name]![0]!))].sort((a, b) => a - b);
    expect(values('top')).toEqual(Array.from({ length: 64 }, (_, i) => i));
    expect(values('left')).toEqual(Array.from({ length: 8 }, (_, i) => i));
  });
});
