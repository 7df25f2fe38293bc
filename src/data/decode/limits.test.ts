import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { whole } from './crop.ts';
import { decodeImage, decodeView } from './decode.ts';
import { firstPage } from './tiff.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

/** A grey PNG with rows of zeros, `rows` of them at most, and chunks before them. */
function png(width: number, height: number, rows = height, ...before: Buffer[]): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  const data = deflateSync(Buffer.alloc(rows * (width + 1)));
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    ...before,
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A little-endian TIFF of many pages of one pixel. */
function tiff(pages: number): Buffer {
  const tags = [256, 1, 257, 1, 258, 8, 259, 1, 262, 1, 273, 8, 277, 1, 278, 1, 279, 1];
  const page = Buffer.alloc(2 + 12 * 9 + 4);
  page.writeUInt16LE(9, 0);
  for (let i = 0; i < 9; i++) {
    page.writeUInt16LE(tags[2 * i]!, 2 + 12 * i);
    page.writeUInt16LE(4, 4 + 12 * i);
    page.writeUInt32LE(1, 6 + 12 * i);
    page.writeUInt32LE(tags[2 * i + 1]!, 10 + 12 * i);
  }
  const bytes = Buffer.alloc(10 + pages * page.length);
  bytes.write('II*\0', 'latin1');
  bytes.writeUInt32LE(10, 4);
  bytes[8] = 130;
  for (let i = 0; i < pages; i++) {
    page.writeUInt32LE(i + 1 < pages ? 10 + (i + 1) * page.length : 0, page.length - 4);
    page.copy(bytes, 10 + i * page.length);
  }
  return bytes;
}

describe('images of too many pixels', () => {
  it('are refused by their headers, with the limit and its setting', async () => {
    await expect(decodeImage(png(60_000, 60_000, 1))).rejects.toThrow(
      'an image may have 134,217,728 pixels at most, got 60,000 × 60,000: BEYOND_MASKING_MAX_PIXELS sets another limit',
    );
  });

  it('are refused in every format, at the limit that is set', async () => {
    const image = sharp({ create: { width: 12, height: 11, channels: 3, background: 'teal' } });
    const float = sharp(new Float32Array(132), { raw: { width: 12, height: 11, channels: 1 } });
    const files = {
      png: await image.png().toBuffer(),
      jpeg: await image.jpeg().toBuffer(),
      webp: await image.webp().toBuffer(),
      gif: await image.gif().toBuffer(),
      avif: await image.avif().toBuffer(),
      tiff: await image.tiff().toBuffer(),
      'tiff of floats': await float.tiff().toBuffer(),
    };
    for (const [name, bytes] of Object.entries(files)) {
      vi.stubEnv('BEYOND_MASKING_MAX_PIXELS', '131');
      await expect(decodeImage(bytes), name).rejects.toThrow('131 pixels at most, got 12 × 11');
      vi.stubEnv('BEYOND_MASKING_MAX_PIXELS', '132');
      expect(await decodeImage(bytes), name).toMatchObject({ width: 12, height: 11 });
    }
    vi.stubEnv('BEYOND_MASKING_MAX_PIXELS', 'many');
    await expect(decodeImage(files.png)).rejects.toThrow("must be a positive whole number, got 'many'");
  });

  it('count more where a pixel has many bytes', async () => {
    const bands = new URL('../../../tests/fixtures/images/bands-12-planes.tif', import.meta.url);
    vi.stubEnv('BEYOND_MASKING_MAX_PIXELS', '419'); // 5 × 7 pixels of 48 bytes
    await expect(decodeImage(fileURLToPath(bands))).rejects.toThrow('got 7 × 5 of 48 bytes');
    vi.stubEnv('BEYOND_MASKING_MAX_PIXELS', '420');
    expect((await decodeImage(fileURLToPath(bands))).channels).toBe(12);
  });
});

describe('images that are larger than their files', () => {
  const folder = temporaryFolder();

  it('are shrunk while they are decoded', async () => {
    const file = join(folder, 'large.png');
    await writeFile(file, png(4200, 4100));
    const resized = [8, 8] as const;
    const size = await decodeView(
      { kind: 'file', file },
      (image) => ({ box: whole(image), resized, window: whole(resized), flip: false }),
      ({ width, height }) => [width, height],
    );
    expect(size).toEqual([8, 8]);
  });

  it('have their first page read alone', async () => {
    const bytes = tiff(100_000);
    const before = Buffer.from(bytes);
    const { pages = 1 } = await sharp(firstPage(bytes)).metadata();
    expect(pages).toBe(1);
    expect(bytes.equals(before)).toBe(true);
    expect(await decodeImage(bytes)).toMatchObject({ width: 1, height: 1 });
  });

  it('are read beside a huge EXIF chunk', async () => {
    const exif = chunk('eXIf', Buffer.concat([Buffer.from('II*\0\x08\0\0\0', 'latin1'), Buffer.alloc(3e7)]));
    expect(await decodeImage(png(5, 4, 4, exif))).toMatchObject({ width: 5, height: 4 });
  });
});
