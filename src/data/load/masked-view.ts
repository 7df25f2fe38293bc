import type { Rng } from '../../random/rng.ts';
import type { ClassTable } from '../masks/classes.ts';
import { readMask } from '../masks/read.ts';
import type { RawImage } from '../sources/dataset.ts';
import type { ImageSource } from '../sources/image-source.ts';
import { type DrawnCrop, makeView, maskView, type ViewOptions, viewBytes } from './views.ts';

/** How the masks of views are read and what a crop of them must show. */
export interface MaskOptions {
  /** Which values are which class; without it masks are pixels. */
  readonly table?: ClassTable | undefined;
  /** The number of pixels without a class, and of those beyond the image. */
  readonly ignore: number;
  /**
   * The largest share of the counted pixels that one class may fill, where the crop sampler draws again: mmsegmentation's
   * `cat_max_ratio`, 0.75 there. Default: no limit.
   */
  readonly largest?: number | undefined;
}

/**
 * Makes the view of an image, and behind it in `out` that of its mask, [height, width] class numbers, by the same crop,
 * to which it resolves.
 * Rejects as `makeView`, `readMask` and `maskView` do.
 */
export async function makeMaskedView(
  from: ImageSource | RawImage,
  maskSource: ImageSource,
  { table, ignore, largest }: MaskOptions,
  options: ViewOptions,
  rng: Rng,
  out: Uint8Array,
  offset: number,
): Promise<DrawnCrop> {
  const mask = await readMask(maskSource, table ?? NO_TABLE);
  const accept =
    largest === undefined ? undefined : (drawn: DrawnCrop) => isMixed(mask, drawn, ignore, largest);
  const drawn = await makeView(from, { ...options, accept }, rng, out, offset);
  maskView(mask, drawn, ignore, out, offset + viewBytes(options));
  return drawn;
}

const NO_TABLE: ClassTable = { classes: [], ignored: { values: [], colours: [] } };

/** True if a crop shows two classes or more, and none fills more than the share `largest` of the counted pixels. */
function isMixed(mask: RawImage, drawn: DrawnCrop, ignore: number, largest: number): boolean {
  const { width, height } = drawn.crop.window;
  const view = new Uint8Array(width * height);
  maskView(mask, drawn, ignore, view, 0);
  const counts = new Uint32Array(256);
  for (const value of view) counts[value]!++;
  counts[ignore] = 0;
  const present = counts.filter((count) => count > 0);
  const all = present.reduce((a, b) => a + b, 0);
  return present.length > 1 && Math.max(...present) / all < largest;
}
