import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { encodeRle, type Rle, rleArea, rleBox } from '../../detect/rle.ts';
import { rleToText } from '../../detect/rle-text.ts';
import { encodePalettePng, vocPalette } from '../../io/palette-png.ts';
import { loadSharp } from '../decode/decode.ts';
import { DataError } from '../error.ts';
import { decodeMask } from '../masks/png.ts';

/** An image of nuclei with the pixels of all of them: `image` [height, width, 3], `mask` [height, width] of 0 and 1. */
export interface NucleiImage {
  readonly width: number;
  readonly height: number;
  readonly image: Uint8Array;
  readonly mask: Uint8Array;
}

/** The same with the pixels of each nucleus. */
export interface BowlImage extends NucleiImage {
  readonly nuclei: readonly Rle[];
}

/**
 * Reads an image in the layout of the Data Science Bowl 2018: `images/ID.png`, and a mask in `masks/` for each nucleus.
 * Rejects with a DataError for another layout, and for masks that do not fit.
 */
export async function readBowlImage(folder: string): Promise<BowlImage> {
  const [name, ...others] = await pngsOf(join(folder, 'images'));
  if (name === undefined || others.length > 0)
    throw new DataError(
      `'${join(folder, 'images')}' must hold one PNG, got ${others.length + (name ? 1 : 0)}`,
    );
  const { data: image, width, height } = await pixels(join(folder, 'images', name));
  const mask = new Uint8Array(width * height);
  const nuclei: Rle[] = [];
  for (const one of await pngsOf(join(folder, 'masks'))) {
    const path = join(folder, 'masks', one);
    const nucleus = decodeMask(await readFile(path));
    if (nucleus.width !== width || nucleus.height !== height)
      throw new DataError(
        `a mask must have its image's size, ${height} × ${width}, got ${nucleus.height} × ${nucleus.width}: '${path}'`,
      );
    for (const [i, value] of nucleus.data.entries()) if (value > 0) mask[i] = 1;
    const pixels = encodeRle(nucleus.data, [height, width]);
    if (rleArea(pixels) > 0) nuclei.push(pixels);
  }
  return { width, height, image, mask, nuclei };
}

/** Writes image and mask as PNGs. */
export async function writeNucleiImage(
  { width, height, image, mask }: NucleiImage,
  paths: { readonly image: string; readonly mask: string },
): Promise<void> {
  await writeFile(paths.image, encode({ width, height, channels: 3, data: image }));
  await writeFile(paths.mask, encodePalettePng({ width, height, data: mask }, vocPalette(2)));
}

/** Reads what `writeNucleiImage` wrote. Rejects with a DataError for a file that is broken. */
export async function readNucleiImage(paths: {
  readonly image: string;
  readonly mask: string;
}): Promise<NucleiImage> {
  const { data: image, width, height } = await pixels(paths.image);
  const { data: mask } = decodeMask(await readFile(paths.mask));
  return { width, height, image, mask: Uint8Array.from(mask) };
}

/** COCO's JSON of images by their names: a box and a mask, as compressed text, for each nucleus. */
export function nucleiJson(images: readonly (readonly [name: string, image: BowlImage])[]): object {
  let id = 0;
  return {
    images: images.map(([name, { width, height }], i) => ({
      ...{ id: i + 1, file_name: `${name}.png`, width, height },
    })),
    categories: [{ id: 1, name: 'nucleus' }],
    annotations: images.flatMap(([, { nuclei }], i) =>
      nuclei.map((nucleus) => {
        const [x0, y0, x1, y1] = rleBox(nucleus);
        return {
          ...{ id: ++id, image_id: i + 1, category_id: 1, iscrowd: 0 },
          ...{ bbox: [x0, y0, x1 - x0, y1 - y0], area: rleArea(nucleus) },
          segmentation: { size: nucleus.size, counts: rleToText(nucleus) },
        };
      }),
    ),
  };
}

/** A digest of the pixels of image and mask, whatever files hold them. */
export function digestOf({ width, height, image, mask }: NucleiImage): string {
  const hash = createHash('sha256').update(`${height} ${width}\n`).update(image).update(mask);
  return hash.digest('hex').slice(0, 16);
}

async function pngsOf(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => name.endsWith('.png')).sort();
}

/** A PNG as RGB, without its alpha. */
async function pixels(path: string) {
  const sharp = await loadSharp();
  try {
    const { data, info } = await sharp(await readFile(path))
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { data: new Uint8Array(data), width: info.width, height: info.height };
  } catch (cause) {
    throw new DataError(`'${path}' must be a PNG, got: ${(cause as Error).message}`, { cause });
  }
}
