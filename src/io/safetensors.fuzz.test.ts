import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { elementCount } from './dtypes.ts';
import { FileFormatError } from './file-format-error.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

const path = join(temporaryFolder(), 'a.safetensors');

/** xorshift32: the mutations are the same in every run. */
function randomIntegers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const NASTY = [
  '-1',
  '1e308',
  'null',
  '{}',
  '[]',
  '9007199254740993',
  '""',
  '0',
  '"__proto__"',
  '1.5',
  ',',
  '\u0000',
];

function mutate(file: Buffer, random: (below: number) => number): Buffer {
  const at = random(file.length);
  const headerEnd = 8 + Number(file.readBigUint64LE(0));
  switch (random(7)) {
    case 0: // a bit
      file[at]! ^= 1 << random(8);
      return file;
    case 1: // a byte of the header
      file[8 + random(headerEnd - 8)] = random(256);
      return file;
    case 2: // the header's length
      file[random(8)] = random(256);
      return file;
    case 3:
      return file.subarray(0, at);
    case 4: // a piece cut out
      return Buffer.concat([file.subarray(0, at), file.subarray(at + 1 + random(16))]);
    case 5: // bytes put in
      return Buffer.concat([
        file.subarray(0, at),
        Buffer.alloc(1 + random(16), random(256)),
        file.subarray(at),
      ]);
    default: {
      // a number or word of the header replaced, with the header's length set right
      const tokens = [...file.toString('latin1', 8, headerEnd).matchAll(/\d+|"[^"]*"|[[\]{},:]/g)];
      const token = tokens[random(tokens.length)]!;
      const header = file.toString('latin1', 8, headerEnd);
      const start = token.index;
      const changed = `${header.slice(0, start)}${NASTY[random(NASTY.length)]}${header.slice(start + token[0].length)}`;
      const mutated = Buffer.concat([
        Buffer.alloc(8),
        Buffer.from(changed, 'latin1'),
        file.subarray(headerEnd),
      ]);
      mutated.writeBigUint64LE(BigInt(changed.length));
      return mutated;
    }
  }
}

test('no mutation of a file does anything but read or throw a FileFormatError', async () => {
  await writeSafetensors(
    path,
    new Map([
      ['blocks.0.attn.qkv.weight', { dtype: 'F32', shape: [3, 4], data: new Float32Array(12) }],
      ['step', { dtype: 'I64', shape: [], data: BigInt64Array.of(5n) }],
      ['mask', { dtype: 'U8', shape: [0, 7], data: new Uint8Array() }],
      ['half', { dtype: 'BF16', shape: [3], data: new Uint16Array(3) }],
    ]),
    { format: 'pt', config: '{"epochs":1}' },
  );
  const original = readFileSync(path);
  const random = randomIntegers(20220328);
  let read = 0;
  for (let i = 0; i < 4000; i++) {
    let mutated = Buffer.from(original);
    for (let n = 1 + random(2); n > 0 && mutated.length > 16; n--) {
      const length = mutated.readBigUint64LE(0);
      if (length < 1n || length > mutated.length - 8) break;
      mutated = Buffer.from(mutate(mutated, random));
    }
    writeFileSync(path, mutated);
    try {
      const { tensors } = await readSafetensors(path);
      for (const { shape, data } of tensors.values()) expect(data.length).toBe(elementCount(shape));
      read++;
    } catch (error) {
      if (!(error instanceof FileFormatError)) throw error;
    }
  }
  expect(read).toBeGreaterThan(100); // the mutations are not all trivial
  expect(read).toBeLessThan(3000);
});
