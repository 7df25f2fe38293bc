import { readdirSync, readFileSync } from 'node:fs';
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { type Rng, rng } from '../../random/rng.ts';
import { DataError } from '../error.ts';
import { decodeMask } from './png.ts';

const folder = new URL('../../../tests/fixtures/labels/', import.meta.url);
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.png'))
  .map((name) => readFileSync(new URL(name, folder)));

interface Chunk {
  type: string;
  data: Buffer;
}

function chunksOf(png: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    chunks.push({
      type: png.toString('latin1', at + 4, at + 8),
      data: Buffer.from(png.subarray(at + 8, at + 8 + length)),
    });
    at += 12 + length;
  }
  return chunks;
}

/** A file with right lengths and check sums, so that its faults reach the reader. */
function pngOf(chunks: readonly Chunk[]): Buffer {
  const parts = chunks.map(({ type, data }) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  });
  return Buffer.concat([files[0]!.subarray(0, 8), ...parts]);
}

/** A mask may have more pixels than a call takes arguments. */
const largest = (data: Iterable<number>) => {
  let found = 0;
  for (const value of data) found = Math.max(found, value);
  return found;
};

/** Changes chunks as a broken program would: a header that lies, pixels that end early or late, chunks out of order. */
function mutate(chunks: Chunk[], random: Rng): Chunk[] {
  const any = () => random.int(chunks.length);
  const pixels = chunks.find(({ type }) => type === 'IDAT');
  switch (random.int(8)) {
    case 0: // header: sizes, depth, colour type, interlacing
      chunks[0]!.data[random.int(13)] = random.int(20);
      break;
    case 1: {
      const { data } = chunks[any()]!;
      if (data.length > 0) data[random.int(data.length)] = random.int(256);
      break;
    }
    case 2:
      chunks.splice(any(), 1);
      break;
    case 3:
      chunks.splice(any(), 0, chunks[any()]!);
      break;
    case 4:
      chunks[any()]!.type = ['IDAT', 'PLTE', 'tRNS', 'IEND', 'gAMA', 'acTL', 'fdAT', 'zTXt', 'iCCP'][
        random.int(9)
      ]!;
      break;
    case 5: {
      const chunk = chunks[any()]!;
      chunk.data = chunk.data.subarray(0, random.int(chunk.data.length + 1));
      break;
    }
    case 6: // pixels: filters, indices, lengths
      if (pixels) {
        const raw = inflateSync(pixels.data, { finishFlush: 2 });
        const cut = raw.subarray(0, random.int(raw.length + 1));
        const changed = random.int(2) === 0 ? Buffer.concat([raw, raw]) : Buffer.from(cut);
        for (let n = random.int(4); n > 0 && changed.length > 0; n--)
          changed[random.int(changed.length)] = random.int(256);
        pixels.data = deflateSync(changed);
      }
      break;
    default:
      chunks.push({ type: 'IDAT', data: deflateSync(Buffer.alloc(random.int(2000), random.int(256))) });
  }
  return chunks;
}

it('broken files with right check sums give an error of the data, or a mask of the size in their header', () => {
  const random = rng(seed, 'fuzz');
  let read = 0;
  for (let i = 0; i < 10_000; i++) {
    let chunks = chunksOf(files[random.int(files.length)]!);
    for (let n = 1 + random.int(3); n > 0 && chunks.length > 0; n--) {
      try {
        chunks = mutate(chunks, random);
      } catch {
        break; // pixels that were cut before cannot be inflated
      }
    }
    const bytes = pngOf(chunks);
    try {
      const { width, height, data, kind, palette } = decodeMask(bytes);
      read++;
      expect(data.length, `seed ${seed}, file ${i}`).toBe(width * height);
      if (kind === 'values' && palette)
        expect(largest(data), `seed ${seed}, file ${i}`).toBeLessThan(palette.length);
    } catch (error) {
      expect(error, `seed ${seed}, file ${i}`).toBeInstanceOf(DataError);
    }
  }
  expect(read).toBeGreaterThan(500); // else nothing but check sums was tried
});
