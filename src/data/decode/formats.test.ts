import sharp from 'sharp';
import { expect, it } from 'vitest';
import { decodeImage } from './decode.ts';
import { imageFormat, otherFormat } from './formats.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');

it('knows what is decoded by its first bytes', async () => {
  const image = sharp({ create: { width: 3, height: 2, channels: 3, background: 'red' } });
  for (const format of ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)
    expect(imageFormat(await image[format]().toBuffer()), format).toBe(format);
  expect(imageFormat(latin1('MM\0*\0\0\0\x08'))).toBe('tiff');
  expect(imageFormat(latin1('II+\0\b\0\0\0'))).toBe('tiff');
});

// Beginnings as ImageMagick, OpenJPEG, libheif and cameras write them.
it.each([
  ['BMP', 'BM\x46\0\0\0\0\0'],
  ['PPM', 'P6\n3 2\n255\n'],
  ['PGM', 'P5\n3 2\n255\n'],
  ['JPEG 2000', '\0\0\0\x0cjP  \r\n\x87\n'],
  ['HEIC or a film', '\0\0\0\x18ftypheic\0\0\0\0mif1heic'],
  ['HEIC or a film', '\0\0\0\x18ftypmp42\0\0\0\0mp42isom'],
  ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
  ['something else', 'II*\0\x10\0\0\0CR\x02\0'],
  ['something else', 'not an image'],
  ['something else', '\0'],
])('refuses %s: %j', async (name, text) => {
  expect(imageFormat(latin1(text))).toBeUndefined();
  expect(otherFormat(latin1(text))).toBe(name);
  await expect(decodeImage(latin1(text))).rejects.toThrow(
    `an image must be a JPEG, PNG, WebP, GIF, TIFF or AVIF by its first bytes, got ${name}`,
  );
});
