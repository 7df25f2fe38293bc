import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { seed, whole } from '../../tests/support/random.ts';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { rng } from '../random/rng.ts';
import { FileFormatError } from './file-format-error.ts';
import { npyContent } from './npy.ts';
import { readNpy } from './read-npy.ts';

const fixtures = fileURLToPath(new URL('../../tests/fixtures/npy/', import.meta.url));
const temporary = temporaryFolder();
const values = JSON.parse(readFileSync(join(fixtures, 'values.json'), 'utf8')) as Record<
  string,
  { shape: number[]; values: string[] }
>;

test.each(Object.keys(values))('reads what NumPy wrote: %s', async (name) => {
  const { shape, values: expected } = values[name]!;
  const array = await readNpy(join(fixtures, `${name}.npy`));
  expect(array.shape).toEqual(shape);
  const exact = expected.map((text) => (text === 'True' ? 1 : text === 'False' ? 0 : Number(text)));
  expect(Array.from(array.data, Number)).toEqual(exact);
});

test.each([
  ['object', 'O'],
  ['text', '<U3'],
  ['complex', '<c16'],
  ['record', '<f4'],
])('refuses %s with the rule and the remedy', async (name, type) => {
  const reading = readNpy(join(fixtures, `refused-${name}.npy`));
  await expect(reading).rejects.toThrow(FileFormatError);
  await expect(reading).rejects.toThrow(/the numbers must be f2, f4, .*; convert it with numpy\.save/);
  await expect(reading).rejects.toThrow(type);
});

const header = (dict: string, data = new Uint8Array(), length = dict.length) =>
  Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    Buffer.from([length & 255, length >> 8]),
    Buffer.from(dict),
    data,
  ]);
const dict = (shape: string, type = '<f4') =>
  `{'descr': '${type}', 'fortran_order': False, 'shape': ${shape}}`;

test.each([
  ['nothing', Buffer.alloc(0), 'must hold 10 bytes or more'],
  ['another file', Buffer.from('PK\x03\x04 and so on'), 'must begin with'],
  ['a later version', Buffer.from('\x93NUMPY\x04\x00\x00\x00', 'latin1'), 'must be 1, 2 or 3, got 4'],
  ['a cut header', header(dict('(2,)'), undefined, 4000), 'must hold 4010 bytes or more'],
  ['an endless header', header('', undefined, 60_000), '10000 bytes or fewer, got 60000'],
  ['code', header("__import__('os').system('x')"), "must be {'descr'"],
  ['more keys', header("{'descr': '<f4', 'fortran_order': False, 'shape': (), 'x': 1}"), "must be {'descr'"],
  [
    'less data',
    header(dict('(2, 2)'), new Uint8Array(12)),
    'must have 16 bytes; write the file again, got 12',
  ],
  ['more data', header(dict('(2,)'), new Uint8Array(12)), 'must have 8 bytes'],
  ['a huge shape', header(dict('(99999999999, 99999999999)')), 'fits in memory'],
  ['a negative shape', header(dict('(-1,)')), 'tuple of whole numbers'],
  ['many axes', header(dict(`(${'1, '.repeat(65)})`), new Uint8Array(4)), '64 axes or fewer, got 65'],
])('refuses %s in one line', async (_, bytes, message) => {
  const path = join(temporary, 'a.npy');
  writeFileSync(path, bytes);
  const error = await readNpy(path).catch((error: Error) => error);
  expect(error).toBeInstanceOf(FileFormatError);
  expect((error as Error).message).toContain(message);
  expect((error as Error).message).not.toContain('\n');
});

test('reads headers as other programs write them', async () => {
  const path = join(temporary, 'b.npy');
  for (const text of [dict('(3L,)'), dict('(3,)').replaceAll(' ', ''), `${dict('( 3 , )')}   \n`]) {
    writeFileSync(path, header(text, new Uint8Array(Float32Array.of(1, 2, 3).buffer)));
    expect(await readNpy(path)).toEqual({ shape: [3], data: Float32Array.of(1, 2, 3) });
  }
});

test('changed bytes are read or refused, and nothing else', async () => {
  const random = rng(seed);
  const path = join(temporary, 'c.npy');
  const names = readdirSync(fixtures).filter((name) => name.endsWith('.npy'));
  for (let i = 0; i < 600; i++) {
    const bytes = readFileSync(join(fixtures, names[random.int(names.length)]!));
    for (let changes = whole(random, 1, 4); changes > 0; changes--)
      bytes[random.int(Math.min(bytes.length, 140))] = random.int(256);
    writeFileSync(path, bytes.subarray(0, random.int(8) === 0 ? random.int(bytes.length) : bytes.length));
    const read = await readNpy(path).catch((error: unknown) => error);
    if (read instanceof FileFormatError) continue;
    const { shape, data } = read as Awaited<ReturnType<typeof readNpy>>;
    expect(data?.length, `seed ${seed}`).toBe(shape?.reduce((a, b) => a * b, 1));
  }
});

test('reads what this library writes', async () => {
  const path = join(temporary, 'd.npy');
  const array = { shape: [2, 2], data: Float32Array.of(1.5, Number.NaN, -0, Number.NEGATIVE_INFINITY) };
  writeFileSync(
    path,
    Buffer.concat(
      (npyContent(array) as ArrayBufferView[]).map(
        (part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength),
      ),
    ),
  );
  expect(await readNpy(path)).toEqual(array);
});
