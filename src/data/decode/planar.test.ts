import { describe, expect, it } from 'vitest';
import type { RawImage } from '../sources/dataset.ts';
import { writePlanar } from './planar.ts';

const colour: RawImage = {
  width: 2,
  height: 2,
  channels: 3,
  data: Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30),
};
const grey: RawImage = { width: 3, height: 1, channels: 1, data: Uint8Array.of(7, 8, 9) };

function planar(image: RawImage, channels: 1 | 3, flip: boolean) {
  const out = new Uint8Array(2 + image.width * image.height * channels).fill(99);
  writePlanar(image, channels, flip, out, 1);
  expect([out[0], out.at(-1)]).toEqual([99, 99]);
  return [...out.subarray(1, -1)];
}

describe('writePlanar', () => {
  it('turns pixels into planes', () => {
    expect(planar(colour, 3, false)).toEqual([255, 0, 0, 10, 0, 255, 0, 20, 0, 0, 255, 30]);
  });

  it('mirrors left and right', () => {
    expect(planar(colour, 3, true)).toEqual([0, 255, 10, 0, 255, 0, 20, 0, 0, 0, 30, 255]);
    expect(planar(grey, 1, true)).toEqual([9, 8, 7]);
  });

  it('goes between grey and colour', () => {
    expect(planar(grey, 3, false)).toEqual([7, 8, 9, 7, 8, 9, 7, 8, 9]);
    // PIL: Image.convert('L') of the same four pixels.
    expect(planar(colour, 1, false)).toEqual([76, 150, 29, 18]);
  });
});
