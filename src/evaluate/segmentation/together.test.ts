import { expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { rng } from '../../random/rng.ts';
import { outputNames } from './output-names.ts';
import type { Logits, Planes } from './segment-image.ts';
import { together } from './together.ts';

const tile = (value: number): Planes => ({
  channels: 1,
  height: 1,
  width: 1,
  data: Float32Array.of(value),
});

/** A model that returns what it is given, and notes the sizes of its batches. */
function echo(sizes: number[]): Logits {
  return async (tiles) => {
    sizes.push(tiles.length);
    return tiles.map(({ data }) => ({ rows: 1, columns: 1, channels: 1, data }));
  };
}

const random = rng(seed);

/** A job that asks for several batches of tiles, after a random time each. */
const job = (first: number, counts: readonly number[]) => async (logits: Logits) => {
  const got: number[] = [];
  for (const count of counts) {
    await new Promise((resolve) => setTimeout(resolve, random.uniform(0, 5)));
    const tiles = Array.from({ length: count }, (_, i) => tile(first + got.length + i));
    got.push(...(await logits(tiles)).map(({ data }) => data[0]!));
  }
  return got;
};

it('the tiles of all jobs fill the batches, whenever they are asked for', async () => {
  for (let repeat = 0; repeat < 5; repeat++) {
    const sizes: number[] = [];
    const jobs = [job(0, [1]), job(10, [2, 1]), job(20, []), job(30, [3, 3, 1])];
    const got = await together(jobs, echo(sizes), 4);
    expect(got).toEqual([[0], [10, 11, 12], [], [30, 31, 32, 33, 34, 35, 36]]);
    expect(sizes).toEqual([4, 2, 4, 1]);
  }
});

it('an error of the model or of a job rejects', async () => {
  const broken: Logits = async () => {
    throw new Error('no engine');
  };
  await expect(together([job(0, [1]), job(1, [1])], broken, 4)).rejects.toThrow('no engine');
  const failing = async () => {
    throw new Error('no image');
  };
  await expect(together([failing, job(1, [1])], echo([]), 4)).rejects.toThrow('no image');
});

it('files made from images have separate names', () => {
  expect(outputNames(['a.jpg', 'x/b.png', 'x/b.jpg'])).toEqual(['a', 'x/b.png', 'x/b.jpg']);
  expect(outputNames(['/data/one/a.jpg', '../two/a.jpg', '/c.jpg'])).toEqual(['one/a', 'two/a', 'c']);
  expect(outputNames(['a.jpg', 'a.jpg'], ['b'])).toEqual(['a.jpg', 'a.jpg-2']);
  expect(outputNames(['b.png'], ['b'])).toEqual(['b-2']);
  for (const name of outputNames(['../../etc/passwd', '..\\..\\x.png', '/a/../b.png', 'C:\\x.png']))
    expect(name).not.toMatch(/\.\.|^\/|:/);
});
