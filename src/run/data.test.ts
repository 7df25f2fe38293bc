import { beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { tinyImages, tinySettings } from '../../tests/support/tiny-run.ts';
import { parseConfig } from '../config/schema.ts';
import { openData } from './data.ts';

const images = temporaryFolder();
beforeAll(() => tinyImages(images, 24));

const open = (trainImages: number, seed = 1) =>
  openData(parseConfig(tinySettings(`classes:${images}`, { seed, data: { trainImages } })));
const ids = ({ length, id }: { length: number; id(i: number): string }) =>
  Array.from({ length }, (_, i) => id(i));

test('training images can be limited, those held out stay the same', async () => {
  const all = await open(0);
  const some = await open(7);
  expect([all.train.length, all.heldOut!.length, some.train.length]).toEqual([18, 6, 7]);
  expect(ids(some.heldOut!)).toEqual(ids(all.heldOut!));
  expect(ids(all.train)).toEqual(expect.arrayContaining(ids(some.train)));
  expect(ids((await open(7)).train)).toEqual(ids(some.train));
  expect(ids((await open(7, 2)).train)).not.toEqual(ids(some.train));
  expect((await open(1000)).train.length).toBe(18);
});
