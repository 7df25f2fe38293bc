import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { rng } from '../../random/rng.ts';
import { plainJpegSize } from './jpeg-header.ts';

const picture = () => {
  const stream = rng(12);
  const pixels = Uint8Array.from({ length: 3 * 23 * 37 }, () => stream.int(256));
  return sharp(pixels, { raw: { width: 37, height: 23, channels: 3 } });
};

/** With EXIF orientation 6 and no profile, which sharp would add. */
async function onItsSide(): Promise<Uint8Array> {
  const bytes = await picture()
    .withExif({ IFD0: { Artist: 'nobody' } })
    .jpeg()
    .toBuffer();
  const orientation = bytes.indexOf(Buffer.from('120103000100000001', 'hex')); // little endian, value 1
  expect(orientation).toBeGreaterThan(0);
  bytes[orientation + 8] = 6;
  return bytes;
}

describe('plainJpegSize', () => {
  it.each([
    ['an ordinary one', picture().jpeg()],
    ['a progressive one', picture().jpeg({ progressive: true })],
    ['a grey one', picture().grayscale().jpeg()],
    [
      'one with EXIF data',
      picture()
        .withExif({ IFD0: { Artist: 'nobody' } })
        .jpeg(),
    ],
    [
      'one that is upright',
      picture()
        .withExif({ IFD0: { Orientation: '1' } })
        .jpeg(),
    ],
  ])('reads the size of %s', async (_, image) => {
    expect(plainJpegSize(await image.toBuffer())).toEqual([23, 37]);
  });

  it('leaves one that lies on its side alone', async () => {
    expect(plainJpegSize(await onItsSide())).toBeUndefined();
  });

  it.each([
    ['one with a profile', picture().withIccProfile('p3').jpeg()],
    ['CMYK', picture().toColourspace('cmyk').jpeg()],
    ['a PNG', picture().png()],
  ])('leaves %s alone', async (_, image) => {
    expect(plainJpegSize(await image.toBuffer())).toBeUndefined();
  });

  it('never fails on damaged bytes', async () => {
    const good = await onItsSide();
    for (let cut = 0; cut < 200; cut++) expect(plainJpegSize(good.subarray(0, cut))).toBeUndefined();
    const stream = rng(13);
    for (let trial = 0; trial < 5000; trial++) {
      const bad = good.slice();
      for (let n = 1 + stream.int(4); n > 0; n--)
        bad[stream.int(Math.min(600, bad.length))] = stream.int(256);
      const size = plainJpegSize(bad);
      if (size) for (const side of size) expect(side).toBeGreaterThan(0);
    }
  });
});
