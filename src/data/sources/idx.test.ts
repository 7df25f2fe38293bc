import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { absoluteSource, openDataset, testSetOf } from './open.ts';

const fixtures = fileURLToPath(new URL('../../../tests/fixtures/idx', import.meta.url));
const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);

/** Rows of pixels with the label behind them. */
async function rowsOf(part: string): Promise<number[][]> {
  const text = await readFile(join(fixtures, `${part}.txt`), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
}

/** An IDX file of bytes. */
function idx(shape: readonly number[], data: Uint8Array, type = 8): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header[2] = type;
  header[3] = shape.length;
  for (const [i, side] of shape.entries()) header.writeUInt32BE(side, 4 + 4 * i);
  return Buffer.concat([header, data]);
}

async function put(name: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  await mkdir(at(name), { recursive: true });
  for (const [file, content] of Object.entries(files)) await writeFile(at(name, file), content);
  return `idx:${at(name)}`;
}

describe('IDX files', () => {
  it.each([
    ['train', `idx:${fixtures}`],
    ['t10k', `idx:${fixtures}@test`],
    ['train', `idx:${join(fixtures, 'train-images-idx3-ubyte.gz')}`],
  ])('of idx2numpy: %s of %s', async (part, spec) => {
    const rows = await rowsOf(part);
    const data = await openDataset(spec);
    expect([data.length, data.classes]).toEqual([rows.length, ['0', '1', '2']]);
    for (const [i, row] of rows.entries()) {
      const { width, height, channels, data: pixels } = await data.image(i);
      expect({ width, height, channels }).toEqual({ width: 5, height: 6, channels: 1 });
      expect([...pixels, data.labels![i]!]).toEqual(row);
    }
  });

  it('have test images, by their folder, and keep the part in absolute names', async () => {
    expect(testSetOf(`idx:${fixtures}`)).toBe(`idx:${fixtures}@test`);
    expect(testSetOf(`idx:${fixtures}@test`)).toBeUndefined();
    expect(testSetOf(`idx:${join(fixtures, 'train-images-idx3-ubyte.gz')}`)).toBeUndefined();
    expect(testSetOf('idx:nowhere')).toBeUndefined();
    expect(absoluteSource('idx:x@test')).toBe(`idx:${join(process.cwd(), 'x@test')}`);
  });

  it('may have colours, names of classes, and no labels', async () => {
    const pixels = Uint8Array.from({ length: 2 * 3 * 4 * 3 }, (_, i) => i);
    const images = { 'emnist-letters-train-images-idx4-ubyte': idx([2, 3, 4, 3], pixels) };
    const plain = await openDataset(await put('plain', images));
    expect([plain.length, plain.labels, plain.classes]).toEqual([2, undefined, undefined]);
    expect(await plain.image(1)).toEqual({ width: 4, height: 3, channels: 3, data: pixels.slice(36) });
    const named = await openDataset(
      await put('named', {
        ...images,
        'emnist-letters-train-labels-idx1-ubyte.gz': gzipSync(idx([2], Uint8Array.of(1, 0))),
        'classes.txt': 'cat\r\ndog\n\n',
      }),
    );
    expect([named.classes, [...named.labels!]]).toEqual([
      ['cat', 'dog'],
      [1, 0],
    ]);
    expect(named.contentKey).not.toBe(plain.contentKey);
  });

  const one = idx([1, 2, 2], Uint8Array.of(1, 2, 3, 4));
  it.each<[string, Readonly<Record<string, Uint8Array | string>>, RegExp]>([
    [
      'none',
      { 'notes.txt': 'x' },
      /must hold one file of train images such as train-images-idx3-ubyte\.gz, got notes\.txt/,
    ],
    [
      'two',
      { 'a-train-images-idx3-ubyte': one, 'b-train-images-idx3-ubyte': one },
      /got a-train-.*, b-train-.*: name one of the files/,
    ],
    [
      'cut',
      { 'train-images-idx3-ubyte': one.subarray(0, 19) },
      /1 × 2 × 2 values must take 4 bytes, got 3: fetch the file again/,
    ],
    ['short', { 'train-images-idx3-ubyte': one.subarray(0, 9) }, /must hold 16 bytes or more, got 9/],
    ['empty', { 'train-images-idx3-ubyte': '' }, /must begin with two zero bytes, a type and 1 to 4 sides/],
    ['text', { 'train-images-idx3-ubyte': 'hello, world' }, /must begin with two zero bytes/],
    ['torn', { 'train-images-idx3-ubyte.gz': gzipSync(one).subarray(0, 20) }, /a \.gz file must be whole/],
    [
      'flat',
      { 'train-images-idx3-ubyte': idx([4], Uint8Array.of(1, 2, 3, 4)) },
      /images must be \[images, height, width\].*got 4: name the file/,
    ],
    [
      'labels',
      { 'train-images-idx3-ubyte': one, 'train-labels-idx1-ubyte': idx([2], Uint8Array.of(1, 2)) },
      /a label for each of 1 image, got 2/,
    ],
    [
      'names',
      {
        'train-images-idx3-ubyte': one,
        'train-labels-idx1-ubyte': idx([1], Uint8Array.of(2)),
        'classes.txt': 'a\nb',
      },
      /a name for each label from 0 to 2, got 2 names/,
    ],
  ])('%s is refused', async (name, files, message) => {
    await expect(openDataset(await put(name, files))).rejects.toMatchObject({
      name: 'DataError',
      message: expect.stringMatching(message),
    });
  });

  it('of floats are refused', async () => {
    await mkdir(at('floats'), { recursive: true });
    await copyFile(join(fixtures, 'floats-images-idx3-ubyte'), at('floats', 'train-images-idx3-ubyte'));
    await expect(openDataset(`idx:${at('floats')}`)).rejects.toThrow(
      'must be unsigned bytes (type 8), got type 13',
    );
  });

  it('an unpacked file wins over its packed copy', async () => {
    const spec = await put('both', {
      'train-images-idx3-ubyte': one,
      'train-images-idx3-ubyte.gz': gzipSync(one),
    });
    expect((await openDataset(spec)).length).toBe(1);
  });
});
