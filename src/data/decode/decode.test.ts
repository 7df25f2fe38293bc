import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { padded } from '../../../tests/support/padded.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { rng } from '../../random/rng.ts';
import type { RawImage } from '../sources/dataset.ts';
import { type Crop, centreCrop, randomResizedCrop, type Size } from './crop.ts';
import { decodeCrop, decodeImage, decodeView } from './decode.ts';
import { cropResize } from './resize.ts';

/** A smooth random picture: bright spots and ramps, different in every channel. */
function picture(seed: number, width: number, height: number): RawImage {
  const r = rng(seed, 'picture');
  const waves = Array.from({ length: 3 }, () => [r.uniform(1, 3), r.uniform(1, 3), r.uniform(0, 6)] as const);
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3);
    const [fx, fy, phase] = waves[i % 3]!;
    const [x, y] = [(pixel % width) / width, Math.floor(pixel / width) / height];
    data[i] = 128 + 100 * Math.sin(fx * x * 4 + fy * y * 3 + phase) * Math.cos(fy * x - y);
  }
  return { width, height, channels: 3, data };
}

function encode({ width, height, channels, data }: RawImage): Sharp {
  return sharp(data, { raw: { width, height, channels: channels as 3 } });
}

function difference(a: Uint8Array, b: Uint8Array) {
  expect(a.length).toBe(b.length);
  let [sum, max] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs(a[i]! - b[i]!);
    sum += d;
    max = Math.max(max, d);
  }
  return { mean: sum / a.length, max };
}

describe('decodeImage', () => {
  const image = picture(1, 40, 30);

  it('reads pixels as they were written', async () => {
    expect(await decodeImage(await encode(image).png().toBuffer())).toEqual({
      ...image,
      data: Buffer.from(image.data),
    });
  });

  // EXIF orientation: what has to be done to the stored picture to see it upright.
  it.each([
    [1, (s: Sharp) => s],
    [2, (s: Sharp) => s.flop()],
    [3, (s: Sharp) => s.rotate(180)],
    [4, (s: Sharp) => s.flip()],
    [6, (s: Sharp) => s.rotate(90)],
    [8, (s: Sharp) => s.rotate(270)],
  ])('honours EXIF orientation %i', async (orientation, upright) => {
    const stored = await encode(image).withMetadata({ orientation }).png().toBuffer();
    const expected = await upright(encode(image)).raw().toBuffer({ resolveWithObject: true });
    const got = await decodeImage(stored);
    expect([got.width, got.height]).toEqual([expected.info.width, expected.info.height]);
    expect(got.data).toEqual(expected.data);
    let seen: Size | undefined;
    const crop = await decodeCrop(stored, (size) => {
      seen = size;
      return {
        ...centreCrop(1)(rng(0), size, [8, 8]),
        box: { x: 1, y: 2, width: 8, height: 8 },
        resized: [8, 8],
        window: { x: 0, y: 0, width: 8, height: 8 },
      };
    });
    expect(seen).toEqual([got.height, got.width]);
    const cut = await encode(got).extract({ left: 1, top: 2, width: 8, height: 8 }).raw().toBuffer();
    expect(crop.data).toEqual(cut);
  });

  it.each([
    ['grey PNG', (s: Sharp) => s.toColourspace('b-w').png()],
    ['grey JPEG', (s: Sharp) => s.toColourspace('b-w').jpeg()],
    ['16-bit grey PNG', (s: Sharp) => s.toColourspace('grey16').png()],
    ['grey PNG with alpha', (s: Sharp) => s.toColourspace('b-w').ensureAlpha().png()],
  ])('repeats the one channel of a %s', async (_, write) => {
    const got = await decodeImage(await write(encode(image)).toBuffer());
    expect(got).toMatchObject({ width: 40, height: 30, channels: 3 });
    for (let i = 0; i < got.data.length; i += 3) {
      expect(got.data[i + 1]).toBe(got.data[i]);
      expect(got.data[i + 2]).toBe(got.data[i]);
    }
    expect(Math.max(...got.data) - Math.min(...got.data)).toBeGreaterThan(50);
  });

  it.each([
    ['16-bit PNG', (s: Sharp) => s.toColourspace('rgb16').png(), 1],
    ['16-bit TIFF', (s: Sharp) => s.toColourspace('rgb16').tiff({ compression: 'lzw' }), 1],
    ['JPEG', (s: Sharp) => s.jpeg({ quality: 98, chromaSubsampling: '4:4:4' }), 1.5],
    ['CMYK JPEG', (s: Sharp) => s.toColourspace('cmyk').jpeg({ quality: 98 }), 25],
    ['WebP', (s: Sharp) => s.webp({ lossless: true }), 0],
    ['AVIF', (s: Sharp) => s.avif({ quality: 95 }), 3],
    ['GIF', (s: Sharp) => s.gif(), 12],
  ])('reads a %s', async (_, write, tolerance) => {
    const got = await decodeImage(await write(encode(image)).toBuffer());
    expect(got).toMatchObject({ width: 40, height: 30, channels: 3 });
    expect(difference(got.data, image.data).mean).toBeLessThanOrEqual(tolerance);
  });

  it('shows white where an image is transparent', async () => {
    const background = { r: 200, g: 100, b: 0, alpha: 0.5 };
    const png = await sharp({ create: { width: 3, height: 2, channels: 4, background } })
      .png()
      .toBuffer();
    const [r, g, b] = (await decodeImage(png)).data;
    for (const [got, expected] of [
      [r, 227],
      [g, 177],
      [b, 127],
    ] as const) {
      expect(Math.abs(got! - expected)).toBeLessThanOrEqual(1);
    }
  });

  it('takes the first frame of an animation', async () => {
    const frames = [10, 200].map((v) => new Uint8Array(20 * 10 * 3).fill(v));
    const gif = await sharp(Buffer.concat(frames), {
      raw: { width: 20, height: 20, channels: 3, pageHeight: 10 },
    })
      .gif()
      .toBuffer();
    expect((await sharp(gif).metadata()).pages).toBe(2);
    const got = await decodeImage(gif);
    expect([got.width, got.height, got.data[0]]).toEqual([20, 10, 10]);
  });
});

describe('decodeCrop', () => {
  // The decoder's resizing against the one that equals PIL's: the same up to half an output pixel, so the
  // difference must stay below half of the effect of moving the picture by a whole pixel (and some rounding).
  function expectSame(got: RawImage, image: RawImage, crop: Crop) {
    const expected = cropResize(image, crop);
    expect([got.height, got.width]).toEqual([expected.height, expected.width]);
    const { width, data } = expected;
    const acrossRight = difference(data.subarray(3), data.subarray(0, -3)).mean;
    const down = difference(data.subarray(3 * width), data.subarray(0, -3 * width)).mean;
    expect(difference(got.data, data).mean).toBeLessThan((acrossRight + down) / 2 + 0.7);
  }

  const geometries = [
    ['random resized crop', randomResizedCrop()],
    ['centre crop', centreCrop()],
  ] as const;
  it.each(geometries)('%s: agrees with plain arrays', async (_, geometry) => {
    for (let seed = 0; seed < 12; seed++) {
      const r = rng(seed, 'sizes');
      const image = picture(seed, r.int(500) + 20, r.int(500) + 20);
      const png = await encode(image).png().toBuffer();
      let crop: Crop | undefined;
      const got = await decodeCrop(png, (size) => {
        crop = geometry(rng(seed, 'crop'), size, [64, 96]);
        return crop;
      });
      expectSame(got, image, crop!);
    }
  });

  it.each([1, 6])(
    'shrinks big JPEGs while decoding (EXIF orientation %i), to the same picture',
    async (orientation) => {
      const image = picture(20, 1600, 1200);
      const jpeg = await encode(image).withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer();
      const upright = await decodeImage(jpeg);
      for (let seed = 0; seed < 6; seed++) {
        let crop: Crop | undefined;
        const got = await decodeCrop(jpeg, (size) => {
          crop = randomResizedCrop()(rng(seed), size, [48, 48]);
          return crop;
        });
        expectSame(got, upright, crop!);
      }
    },
  );
});

describe('decodeView', () => {
  const root = temporaryFolder();

  it('decodes small files in full: their views are the exact ones', async () => {
    for (let seed = 0; seed < 6; seed++) {
      const image = picture(seed, 60 + 40 * seed, 300 - 30 * seed);
      const bytes = await encode(image).jpeg({ quality: 90 }).toBuffer();
      const file = join(root, `${seed}.jpg`);
      await writeFile(file, bytes);
      const choose = (size: Size) => randomResizedCrop()(rng(seed), size, [32, 48]);
      const whole = await decodeImage(bytes);
      const crop = choose([whole.height, whole.width]);
      const view = await decodeView({ kind: 'file', file }, choose, (image, chosen) => {
        expect(chosen).toEqual(crop);
        return cropResize(image, chosen);
      });
      expect(difference(view.data, cropResize(whole, crop).data).max).toBe(0);
    }
  });

  it('takes large files as decodeCrop does', async () => {
    const stream = rng(3, 'noise');
    const data = Uint8Array.from({ length: 3 * 900 * 700 }, () => stream.int(256));
    const file = join(root, 'large.png');
    await encode({ width: 900, height: 700, channels: 3, data }).png().toFile(file);
    const choose = (size: Size) => centreCrop()(rng(0), size, [32, 48]);
    const view = await decodeView({ kind: 'file', file }, choose, (image, crop) => {
      expect(crop.window).toEqual({ x: 0, y: 0, width: 48, height: 32 });
      return cropResize(image, crop);
    });
    const direct = await decodeCrop(file, choose);
    expect([...view.data]).toEqual([...direct.data]);
  });
});

describe('broken files', () => {
  const folder = temporaryFolder();
  const reason = 'the file is cut off, damaged, or of a kind that cannot be decoded';
  const fixture = (name: string) => readFile(join('tests', 'fixtures', 'broken', name));
  /** Takes the pixel at a place, in shares of the sides. */
  const pixelAt =
    (share: number) =>
    ([height, width]: Size): Crop => {
      const one = { x: 0, y: 0, width: 1, height: 1 };
      const at = (side: number) => Math.min(side - 1, Math.floor(share * side));
      return { box: { ...one, x: at(width), y: at(height) }, resized: [1, 1], window: one, flip: false };
    };
  const outcome = (made: Promise<unknown>) =>
    made.then(
      () => 'read',
      (error: Error) => error.message,
    );

  it.each([
    ['baseline', 'jpg', 0],
    ['baseline', 'jpg', 2 ** 20],
    ['progressive', 'jpg', 2 ** 20],
    ['png', 'png', 0],
    ['png', 'png', 2 ** 20],
    ['webp', 'webp', 0],
    ['tiff', 'tif', 0],
    ['gif', 'gif', 0],
  ])(
    'are broken for every crop and reader, in the same words: %s.%s with %i bytes more',
    async (kind, ending, more) => {
      for (const [state, expected] of [
        ['whole', 'read'],
        ['cut', reason],
      ] as const) {
        const small = await fixture(`${kind}-${state}.${ending}`);
        const bytes = more > 0 ? padded(small, more) : small;
        const path = join(folder, `${kind}-${state}-${more}.${ending}`);
        await writeFile(path, bytes);
        const outcomes = await Promise.all([
          outcome(decodeImage(path)),
          ...[0, 0.3, 0.99, 0].map((share) =>
            outcome(decodeView({ kind: 'file', file: path }, pixelAt(share), () => undefined)),
          ),
        ]);
        expect(new Set(outcomes), state).toEqual(new Set([expected]));
      }
    },
  );

  it('say the same while other files are decoded', async () => {
    const [cut, whole] = await Promise.all(['png-cut.png', 'png-whole.png'].map(fixture));
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, i) => outcome(decodeImage(i % 2 === 0 ? cut! : whole!))),
    );
    expect(outcomes).toEqual(Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? reason : 'read')));
  });

  it('are refused', async () => {
    const jpeg = await encode(picture(2, 300, 200))
      .jpeg()
      .toBuffer();
    const broken = {
      'empty.jpg': Buffer.alloc(0),
      'text.jpg': Buffer.from('not an image'),
      'cut.jpg': jpeg.subarray(0, jpeg.length >> 1),
      'header.jpg': jpeg.subarray(0, 60),
      'cut.png': (
        await encode(picture(2, 300, 200))
          .png()
          .toBuffer()
      ).subarray(0, 2000),
    };
    for (const [name, bytes] of Object.entries(broken)) {
      const path = join(folder, name);
      await writeFile(path, bytes);
      await expect(decodeImage(path), name).rejects.toThrow(Error);
      await expect(
        decodeCrop(path, (s) => centreCrop()(rng(0), s, [8, 8])),
        name,
      ).rejects.toThrow(Error);
    }
    await expect(decodeImage(join(folder, 'empty.jpg'))).rejects.toThrow('got none');
    await expect(decodeImage(join(folder, 'missing.jpg'))).rejects.toThrow('ENOENT');
  });
});
