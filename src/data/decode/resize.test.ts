import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fc } from '../../../tests/support/random.ts';
import type { RawImage } from '../sources/dataset.ts';
import { type Box, type Size, whole } from './crop.ts';
import { writePlanar } from './planar.ts';
import { cropPlanes, cropResize } from './resize.ts';

interface Case {
  image: [width: number, height: number, channels: number];
  box: Box;
  resized: Size;
  bytes: string;
}
const cases: Case[] = JSON.parse(readFileSync(new URL('resize.fixture.json', import.meta.url), 'utf8'));

function picture([width, height, channels]: Case['image']): RawImage {
  const data: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) data.push((x * x * 37 + y * 91 + c * 53 + x * y * 7) % 256);
    }
  }
  return { width, height, channels, data: Uint8Array.from(data) };
}

describe('cropResize', () => {
  it.each(cases)('gives the bytes of PIL: $image, $box to $resized', ({ image, box, resized, bytes }) => {
    const result = cropResize(picture(image), { box, resized, window: whole(resized), flip: false });
    expect([result.height, result.width, result.channels]).toEqual([...resized, image[2]]);
    expect(Buffer.from(result.data).toString('base64')).toBe(bytes);
  });

  const size = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }));
  const channels = fc.constantFrom(1 as const, 3 as const);

  it('computes a window as the same part of the whole', () => {
    fc.assert(
      fc.property(
        size,
        size,
        channels,
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (from, to, c, f) => {
          const part = (n: number) => {
            const start = Math.floor(f.next().value * n);
            return [start, 1 + Math.floor(f.next().value * (n - start))] as const;
          };
          const image = picture([from[1], from[0], c]);
          const [x, width] = part(to[1]);
          const [y, height] = part(to[0]);
          const crop = { box: whole(from), resized: to, flip: false };
          const all = cropResize(image, { ...crop, window: whole(to) });
          const some = cropResize(image, { ...crop, window: { x, y, width, height } });
          for (let row = 0; row < height; row++) {
            const at = ((y + row) * to[1] + x) * c;
            expect(some.data.subarray(row * width * c, (row + 1) * width * c)).toEqual(
              all.data.subarray(at, at + width * c),
            );
          }
        },
      ),
    );
  });

  it('writes planes, mirrored or not', () => {
    fc.assert(
      fc.property(size, size, channels, channels, fc.boolean(), (from, to, c, wanted, flip) => {
        const image = picture([from[1], from[0], c]);
        const crop = { box: whole(from), resized: to, window: whole(to), flip };
        const expected = new Uint8Array(wanted * to[0] * to[1] + 7).fill(9);
        writePlanar(cropResize(image, crop), wanted, flip, expected, 3);
        const result = new Uint8Array(expected.length).fill(9);
        cropPlanes(image, crop, wanted, result, 3);
        expect(result).toEqual(expected);
      }),
    );
  });

  it('treats each of any number of channels as a separate image', () => {
    const numbers = fc.integer({ min: 1, max: 13 });
    fc.assert(
      fc.property(size, size, numbers, fc.boolean(), (from, to, c, flip) => {
        const image = picture([from[1], from[0], c]);
        const crop = { box: whole(from), resized: to, window: whole(to), flip };
        const planes = new Uint8Array(c * to[0] * to[1]);
        cropPlanes(image, crop, c, planes, 0);
        for (let channel = 0; channel < c; channel++) {
          const data = image.data.filter((_, i) => i % c === channel);
          const one = new Uint8Array(to[0] * to[1]);
          cropPlanes({ ...image, channels: 1, data }, crop, 1, one, 0);
          expect(planes.subarray(channel * one.length, (channel + 1) * one.length)).toEqual(one);
        }
        const pixels = new Uint8Array(planes.length);
        writePlanar(cropResize(image, crop), c, flip, pixels, 0);
        expect(pixels).toEqual(planes);
      }),
    );
  });

  it('leaves an image of the right size, and a constant one, as they are', () => {
    fc.assert(
      fc.property(size, size, channels, fc.integer({ min: 0, max: 255 }), (from, to, c, value) => {
        const image = picture([from[1], from[0], c]);
        const crop = { box: whole(from), flip: false };
        expect(cropResize(image, { ...crop, resized: from, window: whole(from) })).toEqual(image);
        image.data.fill(value);
        const result = cropResize(image, { ...crop, resized: to, window: whole(to) });
        expect(result.data).toEqual(new Uint8Array(to[0] * to[1] * c).fill(value));
      }),
    );
  });
});
