import { copyFile, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { tinyImages } from '../../tests/support/tiny-run.ts';
import { parseConfig } from '../config/schema.ts';
import { PARTS } from '../data/sources/cifar10-fetch.ts';
import { split } from '../data/sources/dataset.ts';
import { openDataset } from '../data/sources/open.ts';
import { openData } from '../run/data.ts';
import { openLabelled } from './labelled-images.ts';

const folder = temporaryFolder();
const source = `classes:${join(folder, 'images')}`;
const other = `classes:${join(folder, 'other')}`;

beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 20);
  await tinyImages(join(folder, 'other'), 6, 2, 2);
});

const runOn = (data: object) => ({
  run: { config: { data: { source, heldOut: 0.25, ...data } } },
});

it("tests on the images that the model's run held out, and on a tenth of other images", async () => {
  const all = await openDataset(source);
  const heldOut = async (...args: Parameters<typeof openLabelled>) =>
    (await openLabelled(...args)).test.contentKey;
  const part = (share: number) => split(all, share).heldOut.contentKey;
  expect(await heldOut(runOn({}), {})).toBe(part(0.25));
  expect(await heldOut(runOn({}), { heldOut: 0.5 })).toBe(part(0.5));
  expect(await heldOut(runOn({ source: other }), { data: source })).toBe(part(0.1));
  expect(await heldOut({}, { data: source })).toBe(part(0.1));
});

it('does not split few images, unless the options give a split or the model was trained on the classes', async () => {
  const together = async (...args: Parameters<typeof openLabelled>) =>
    (await openLabelled(...args)).undivided?.length;
  expect(await together({}, { data: source })).toBe(20);
  expect(await together(runOn({}), {})).toBe(20);
  expect(await together({ ...runOn({}), classifier: {} }, { data: other })).toBe(6);
  expect(await together({ ...runOn({}), classifier: {} }, {})).toBeUndefined();
  expect(await together({}, { data: source, heldOut: 0.5 })).toBeUndefined();
  expect(await together({}, { data: source, test: other })).toBeUndefined();
});

it('tests on no training image, except on request', async () => {
  const none = runOn({ heldOut: 0 });
  await expect(openLabelled(none, {})).rejects.toThrow(
    `test images are needed, got none: the model's run held out none of ${source}; give others with --test`,
  );
  await expect(openLabelled(none, { heldOut: 0 })).rejects.toThrow(
    'data.heldOut is 0; give test images with --test',
  );
  expect((await openLabelled(none, { heldOut: 0.2 })).test).toHaveLength(4);
  expect((await openLabelled(none, { test: other })).train).toHaveLength(20);
  expect((await openLabelled(runOn({ heldOut: 0, test: other }), {})).test).toHaveLength(6);
});

it('distinguishes images with the same names and sizes', async () => {
  const place = async (name: string, letters: string) => {
    for (const [i, letter] of [...letters].entries()) {
      await mkdir(join(folder, name, `class${i}`), { recursive: true });
      const fixture = join('tests', 'fixtures', 'identity', `tifffile-${letter}.tif`);
      await copyFile(fixture, join(folder, name, `class${i}`, '1.tif'));
    }
    return `classes:${join(folder, name)}`;
  };
  const data = await place('learned', 'ab');
  expect((await openLabelled({}, { data, test: await place('judged', 'ba') })).test).toHaveLength(2);
  await expect(openLabelled({}, { data, test: await place('copied', 'ab') })).rejects.toThrow('must differ');
});

it('takes a separate test set from the options or the run', async () => {
  const all = await openDataset(other);
  for (const [model, options] of [
    [{}, { data: source, test: other }],
    [runOn({ test: other }), {}],
  ] as const) {
    const { train, test } = await openLabelled(model, options);
    expect([train.length, test.length, test.contentKey]).toEqual([20, 6, all.contentKey]);
  }
  await expect(openLabelled({}, { data: source, test: source })).rejects.toThrow('must differ');
  await expect(openLabelled({}, {})).rejects.toThrow(
    'give classes:FOLDER, packed:FOLDER, idx:FOLDER or cifar10 with --data',
  );
});

it('leaves the test set of cifar10:train closed: pre-training and evaluation hold out the same training images', async () => {
  const cache = join(folder, 'cache');
  await mkdir(join(cache, 'cifar10'), { recursive: true });
  for (const { file, images } of Object.values(PARTS)) {
    const handle = await open(join(cache, 'cifar10', file), 'w');
    await handle.truncate(images * 3073); // of the right size, black
    await handle.close();
  }
  const ids = ({ length, id }: { length: number; id(i: number): string }) =>
    Array.from({ length }, (_, i) => id(i));
  const data = { source: 'cifar10:train', heldOut: 0.1 };
  const config = parseConfig({ data });
  const seen = ids((await openData(config, { cache })).train);
  for (const model of [{ run: { config } }, { run: { config: { data } } }]) {
    const { train, test } = await openLabelled(model, { cache });
    expect(test).toHaveLength(5_000);
    expect(ids(test).every((id) => /^train image \d+$/.test(id))).toBe(true);
    expect(ids(train)).toEqual(seen);
    expect(new Set([...ids(test), ...seen]).size).toBe(50_000);
  }
  const own = await openLabelled({ run: { config: { data: { ...data, source: 'cifar10' } } } }, { cache });
  expect(own.test.id(0)).toBe('test image 0');
  await rm(cache, { recursive: true });
});

it('suggests a source with classes, if there is one', async () => {
  const images = join(folder, 'images');
  for (const given of [images, `folder:${images}`])
    await expect(openLabelled({}, { data: given })).rejects.toThrow(
      `got ${images} without: its 2 sub-folders look like classes: use --data classes:${images}`,
    );
  await expect(openLabelled({}, { data: join(images, 'class0') })).rejects.toThrow(
    'use --data classes:FOLDER, packed:FOLDER, idx:FOLDER or cifar10; classes:FOLDER is a folder with a sub-folder for each class',
  );
});
