import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fc } from '../../tests/support/random.ts';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { DTYPES, type Dtype, elementCount, type NamedTensor } from './dtypes.ts';
import { FileFormatError } from './file-format-error.ts';
import { readHeader, readSafetensors, writeSafetensors } from './safetensors.ts';

const folder = temporaryFolder();
const path = join(folder, 'a.safetensors');

const f32 = (...values: number[]): NamedTensor => ({
  dtype: 'F32',
  shape: [values.length],
  data: Float32Array.from(values),
});

/** A file with this header text (or bytes) and this number of data bytes. */
function craft(header: string | Uint8Array, dataBytes: number): void {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  writeFileSync(path, file);
}

const anyName = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('__proto__', 'constructor', '1', '0', 'a.b', '"'),
);
const anyTensor: fc.Arbitrary<NamedTensor> = fc
  .tuple(
    fc.constantFrom(...(Object.keys(DTYPES) as Dtype[])),
    fc.array(fc.nat(4), { maxLength: 4 }),
    fc.infiniteStream(fc.nat(255)),
  )
  .map(([dtype, shape, stream]) => {
    const bytes = Uint8Array.from(
      { length: elementCount(shape) * DTYPES[dtype].bytes },
      () => stream.next().value,
    );
    return { dtype, shape, data: new DTYPES[dtype].array(bytes.buffer) };
  });
const bytesOf = ({ data }: NamedTensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

test('tensors are read back as written, bit for bit', async () => {
  const files = fc.tuple(
    fc.dictionary(anyName, anyTensor, { maxKeys: 6 }),
    fc.dictionary(anyName, fc.string({ unit: 'grapheme' })),
  );
  await fc.assert(
    fc.asyncProperty(files, async ([named, metadata]) => {
      const tensors = new Map(Object.entries(named));
      await writeSafetensors(path, tensors, metadata);
      const read = await readSafetensors(path);
      expect(Object.entries(read.metadata).sort()).toEqual(Object.entries(metadata).sort());
      expect([...read.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
      for (const [name, tensor] of tensors) {
        const { dtype, shape, data } = read.tensors.get(name)!;
        expect({ dtype, shape, type: data.constructor }).toEqual({
          ...tensor,
          data: undefined,
          type: tensor.data.constructor,
        });
        expect(bytesOf(read.tensors.get(name)!)).toEqual(bytesOf(tensor));
      }
    }),
    { numRuns: 150 },
  );
});

test('the bytes do not depend on the order of tensors and metadata; the header is padded to 8', async () => {
  const u8: NamedTensor = { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) };
  await writeSafetensors(
    path,
    new Map([
      ['b', f32(1)],
      ['a', u8],
      ['0', f32(2, 3)],
    ]),
    { y: '1', x: '2' },
  );
  const first = readFileSync(path);
  await writeSafetensors(
    path,
    new Map([
      ['0', f32(2, 3)],
      ['a', u8],
      ['b', f32(1)],
    ]),
    { x: '2', y: '1' },
  );
  expect(readFileSync(path)).toEqual(first);
  const length = Number(first.readBigUint64LE(0));
  expect(length % 8).toBe(0);
  expect(first.toString('latin1', 8, 8 + length).trimEnd()).toBe(
    '{"__metadata__":{"x":"2","y":"1"},"0":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},' +
      '"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"a":{"dtype":"U8","shape":[3],"data_offsets":[12,15]}}',
  );
});

test('a view into a larger array writes only its own elements', async () => {
  await writeSafetensors(
    path,
    new Map([['a', { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2, 3, 4).subarray(1, 3) }]]),
  );
  expect((await readSafetensors(path)).tensors.get('a')!.data).toEqual(Float32Array.of(2, 3));
});

test('some tensors can be read, and the header alone', async () => {
  await writeSafetensors(
    path,
    new Map([
      ['a', f32(1)],
      ['b', f32(2, 3)],
      ['c', f32(4)],
    ]),
    { step: '7' },
  );
  expect([...(await readSafetensors(path, { names: ['c', 'b'] })).tensors.values()]).toEqual([
    f32(2, 3),
    f32(4),
  ]);
  await expect(readSafetensors(path, { names: ['a', 'd'] })).rejects.toThrow(
    'it must hold tensor "d", got ["a","b","c"]',
  );
  const header = await readHeader(path);
  expect(header.metadata.step).toBe('7');
  expect(header.tensors.get('b')).toEqual({ dtype: 'F32', shape: [2], begin: 4, bytes: 8 });
});

test('tensors that do not fit their description are refused before anything is written', async () => {
  writeFileSync(path, 'old');
  const data = Float32Array.of(1, 2);
  const write = (name: string, tensor: NamedTensor, metadata = {}) =>
    writeSafetensors(path, new Map([[name, tensor]]), metadata);
  await expect(write('a', { dtype: 'F32', shape: [3], data })).rejects.toThrow('its 2 elements, got [3]');
  await expect(write('a', { dtype: 'F32', shape: [-1, -2], data })).rejects.toThrow('got [-1,-2]');
  await expect(write('a', { dtype: 'F64', shape: [2], data })).rejects.toThrow(
    'F64 data must be a Float64Array, got Float32Array',
  );
  await expect(write('a', { dtype: 'F8' as Dtype, shape: [2], data })).rejects.toThrow('got F8');
  await expect(write('__metadata__', f32(1))).rejects.toThrow('got "__metadata__"');
  await expect(write('\ud800', f32(1))).rejects.toThrow('well-formed');
  await expect(write('a', f32(1), { step: 7 })).rejects.toThrow(
    'metadata "step" must be a string, got Number',
  );
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['a.safetensors']);
});

const entry = (fields = '') => `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]${fields}}}`;
const shaped = (shape: string, offsets = '[0,8]') =>
  `{"a":{"dtype":"F32","shape":${shape},"data_offsets":${offsets}}}`;
const pair = (a: string, b: string) =>
  `{"a":{"dtype":"U8","shape":[4],"data_offsets":${a}},"b":{"dtype":"U8","shape":[4],"data_offsets":${b}}}`;

test.each<[string, string | Uint8Array, RegExp]>([
  ['not an object', '[1]', /must start with "\{"/],
  ['a byte order mark', `\ufeff${entry()}`, /must start with "\{"/],
  ['not JSON', '{"a":', /must be JSON/],
  ['not UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), /must be UTF-8/],
  ['a name given twice', `${entry().slice(0, -1)},${entry().slice(1)}`, /unique, got "a"/],
  ['deep nesting', `{"a":${'['.repeat(100_000)}`, /nest at most 8/],
  ['half a surrogate pair', entry().replace('"a"', '"\\ud800"'), /well-formed/],
  ['an entry that is a list', '{"a":[1]}', /entry must be an object/],
  ['an entry that is null', '{"a":null}', /entry must be an object/],
  ['a missing dtype', '{"a":{"shape":[2],"data_offsets":[0,8]}}', /dtype must be one of .*, got undefined/],
  ['an inherited dtype', entry().replace('F32', 'constructor'), /dtype must be one of .*, got "constructor"/],
  [
    'an inherited entry',
    '{"__proto__":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}',
    /"__proto__": data_offsets must span/,
  ],
  ['a negative size', shaped('[-2,-1]'), /whole numbers from 0, got \[-2,-1\]/],
  ['a fraction', shaped('[0.5,4]'), /whole numbers/],
  ['a huge size', shaped('[1e300]'), /whole numbers/],
  ['sizes whose product overflows', shaped('[4503599627370496,4503599627370496]'), /must span/],
  ['text for a shape', shaped('"2"'), /whole numbers/],
  ['too many axes', shaped(`[${'1,'.repeat(100)}2]`), /at most 64 axes, got 101/],
  ['one offset', shaped('[2]', '[8]'), /two whole numbers/],
  [
    'offsets beyond the file',
    shaped('[20]', '[0,80]'),
    /must be whole, with 80 bytes of data; download or write it again, got 8/,
  ],
  ['huge offsets', shaped('[2]', '[9007199254740984,9007199254740992]'), /whole numbers/],
  ['offsets in reverse', shaped('[2]', '[8,0]'), /must span/],
  ['a gap at the start', shaped('[1]', '[4,8]'), /"a" must begin .* at 0, got 4/],
  ['data left over', shaped('[1]', '[0,4]'), /fill the file's 8 bytes of data, got 4/],
  ['an overlap', pair('[0,4]', '[2,6]'), /"b" must begin .* at 4, got 2/],
  ['the same place twice', pair('[0,4]', '[0,4]'), /must begin .* at 4, got 0/],
  ['metadata that is no object', '{"__metadata__":"x"}', /metadata must be an object/],
  ['metadata that is no text', '{"__metadata__":{"a":1}}', /metadata "a" must be a string, got 1/],
])('refuses %s', async (_, header, message) => {
  craft(header, 8);
  const failure = await readSafetensors(path).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(FileFormatError);
  expect((failure as FileFormatError).message).toMatch(message);
  expect((failure as FileFormatError).message).toContain(path);
  expect((failure as FileFormatError).message.length).toBeLessThan(600);
});

test('refuses short files, header lengths beyond the file or the limit, and folders', async () => {
  writeFileSync(path, 'short');
  await expect(readHeader(path)).rejects.toThrow('at least 8 bytes, got 5');
  writeFileSync(path, Buffer.alloc(100, 0xff));
  await expect(readHeader(path)).rejects.toThrow('bytes of no format that is known here');
  await expect(readHeader(folder)).rejects.toThrow('regular file');
  await expect(readHeader(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('names such as __proto__ are plain names', async () => {
  await writeSafetensors(
    path,
    new Map([
      ['__proto__', f32(1)],
      ['constructor', f32(2)],
    ]),
    JSON.parse('{"__proto__":"x"}'),
  );
  const { tensors, metadata } = await readSafetensors(path);
  expect(tensors.get('__proto__')).toEqual(f32(1));
  expect(Object.entries(metadata)).toEqual([['__proto__', 'x']]);
  expect(metadata.constructor).toBeUndefined();
  expect(({} as Record<string, unknown>).dtype).toBeUndefined();
});
