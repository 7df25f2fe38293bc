import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { writeFileAtomic } from '../../io/atomic.ts';
import { encodePalettePng, vocPalette } from '../../io/palette-png.ts';
import { rng } from '../../random/rng.ts';
import { DataError } from '../error.ts';
import { cocoJson, type NamedPicture, vocXml } from './annotate.ts';
import { drawShapes, SHAPES } from './draw.ts';

export interface ShapesOptions {
  /** Number of training pictures. Default: 200. */
  readonly train?: number;
  /** Number of validation pictures. Default: 50. */
  readonly val?: number;
  /** Side of the pictures in pixels. Default: 64. */
  readonly size?: number;
  /** Default: 0. */
  readonly seed?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Files of pictures with exact masks, boxes and classes, by paths relative to the folder. */
const PLACES = {
  image: (part: string, name: string) => `images/${part}/${name}.png`,
  mask: (part: string, name: string) => `masks/${part}/${name}.png`,
  xml: (part: string, name: string) => `annotations/${part}/${name}.xml`,
  coco: (part: string) => `annotations/instances_${part}.json`,
};

/**
 * Writes a data set of drawn discs, boxes and triangles with exact masks: `masks:OUTPUT` opens it. Beside the masks (PNGs with PASCAL VOC's
 * palette) it has COCO's JSON and PASCAL VOC's XML for each part. The same options give the same bytes; picture n does not depend on how
 * many there are. Rejects with a DataError for a folder that holds anything, RangeError for impossible sizes, and the system's error.
 */
export async function writeShapes(output: string, options: ShapesOptions = {}): Promise<{ images: number }> {
  const { train = 200, val = 50, size = 64, seed = 0, onProgress = () => {}, signal } = options;
  requireWhole('the number of training pictures', train, 1);
  requireWhole('the number of validation pictures', val, 0);
  requireWhole('the side of a picture', size, 8, 4096);
  requireWhole('the seed', seed, 0);
  await mkdir(output, { recursive: true });
  if ((await readdir(output)).length > 0)
    throw new DataError(
      `pictures are written into an empty folder, got files in '${output}': name another one`,
    );
  const total = train + val;
  let done = 0;
  for (const [part, count] of Object.entries({ train, val })) {
    if (count === 0) continue;
    for (const kind of ['images', 'masks', 'annotations'])
      await mkdir(join(output, kind, part), { recursive: true });
    const pictures: NamedPicture[] = [];
    for (let i = 0; i < count; i++) {
      signal?.throwIfAborted();
      const name = String(i + 1).padStart(5, '0');
      const picture = drawShapes(rng(seed, 'shapes', part, i), size);
      const { image, mask } = picture;
      const write = (path: string, content: Uint8Array | string) => writeFile(join(output, path), content); // classes.json is written last: it marks a complete folder
      await write(PLACES.image(part, name), encode({ ...image, depth: 8 }));
      await write(
        PLACES.mask(part, name),
        encodePalettePng({ width: size, height: size, data: mask }, vocPalette(SHAPES.length)),
      );
      await write(PLACES.xml(part, name), vocXml({ name, picture }));
      pictures.push({ name, picture });
      onProgress(++done, total);
    }
    await writeFileAtomic(join(output, PLACES.coco(part)), `${JSON.stringify(cocoJson(pictures))}\n`);
  }
  const classes = SHAPES.map((name, value) => ({ name, value, color: vocPalette()[value] }));
  await writeFileAtomic(
    join(output, 'classes.json'),
    `${JSON.stringify({ classes, ignore: [255] }, null, 2)}\n`,
  );
  return { images: total };
}

function requireWhole(what: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new RangeError(`${what} must be a whole number ${range}, got ${value}`);
}
