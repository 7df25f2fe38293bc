import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isMainThread } from 'node:worker_threads';
import type { Sharp } from 'sharp';
import { DataError } from '../error.ts';
import type { RawImage } from '../sources/dataset.ts';
import { brokenFile, decodeToTheEnd } from './broken-file.ts';
import { type Crop, type Size, whole } from './crop.ts';
import { turboJpeg } from './turbojpeg.ts';

/**
 * Reads an image file (or its bytes) as upright sRGB, 8 bit, 3 channels: [height, width, 3].
 *
 * EXIF orientation and an embedded colour profile are honoured; grey is repeated, CMYK and 16 bit are converted;
 * transparent parts show white, as on a page; of an animation the first frame is taken.
 * Rejects with an Error for a file that is missing, empty, cut off or no image.
 */
export async function decodeImage(source: string | Uint8Array): Promise<RawImage> {
  return opened(source, pixels);
}

/** Large files that this thread has decoded to their end, with their lengths; no more than `MOST_KNOWN`. */
const complete = new Set<string>();
const MOST_KNOWN = 100_000;

/** A file of more bytes is cut out and resized while it is decoded: it may be much larger than the view. */
const LARGE = 2 ** 20;

/**
 * Hands `use` the image from which a crop is to be taken, with that crop: the whole image, or, of a large file, the crop
 * itself as `decodeCrop` makes it. `choose` gets the size of the upright image, once. The image's pixels change
 * after `use` has returned. Where crops are resized by another filter than the bicubic one, no file is large. Resolves to what
 * `use` returns. Rejects for a broken file, wherever in it the crop lies.
 */
export async function decodeView<T>(
  file: string,
  choose: (image: Size) => Crop,
  use: (image: RawImage, crop: Crop) => T,
  bicubic = true,
): Promise<T> {
  // A thread that has nothing else to do reads faster by waiting.
  const bytes = isMainThread ? await readFile(file) : readFileSync(file);
  if (bytes.length <= LARGE || !bicubic) {
    const decode = await turboJpeg();
    const image = decode?.(bytes) ?? (await decodeImage(bytes));
    return use(image, choose([image.height, image.width]));
  }
  await requireComplete(file, bytes);
  let flip = false;
  const image = await decodeCrop(bytes, (size) => {
    const crop = choose(size);
    flip = crop.flip;
    return crop;
  });
  const size: Size = [image.height, image.width];
  return use(image, { box: whole(size), resized: size, window: whole(size), flip });
}

async function requireComplete(file: string, bytes: Uint8Array): Promise<void> {
  const key = `${file} ${bytes.length}`;
  if (complete.has(key)) return;
  await opened(bytes, decodeToTheEnd);
  if (complete.size === MOST_KNOWN) complete.clear();
  complete.add(key);
}

/**
 * Like `decodeImage`, but decodes, cuts out and resizes in one go: the crop without its mirroring.
 * `choose` gets the size of the upright image. The filter is bicubic (a = −0.5), widened when shrinking; an enlarged
 * box lies half an output pixel further right and down than PIL's (libvips/libvips#4841), less than the
 * rounding of the box to whole pixels.
 */
export async function decodeCrop(
  source: string | Uint8Array,
  choose: (image: Size) => Crop,
): Promise<RawImage> {
  return opened(source, async (image) => {
    const { format, autoOrient } = await image.metadata();
    const size: Size = [autoOrient.height, autoOrient.width];
    const chosen = choose(size);
    const { box, resized, window } = format === 'jpeg' ? resizeFirst(chosen, size) : chosen;
    if (box.width < size[1] || box.height < size[0]) image.extract(region(box));
    image.resize({
      width: resized[1],
      height: resized[0],
      fit: 'fill',
      kernel: 'cubic',
      fastShrinkOnLoad: false, // leaves at least a factor of 2 to the bicubic filter
    });
    if (window.width < resized[1] || window.height < resized[0]) image.extract(region(window));
    return pixels(image);
  });
}

/**
 * A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size, which is much faster, but only as a whole. So when a crop
 * shrinks by 4 or more, the image is resized first and cut afterwards; the cut moves by half a pixel at most.
 */
function resizeFirst(crop: Crop, [height, width]: Size): Crop {
  const { box, resized, window } = crop;
  if (Math.min(box.height / resized[0], box.width / resized[1]) < 4) return crop;
  const all: Size = [
    Math.max(resized[0], Math.round((height * resized[0]) / box.height)),
    Math.max(resized[1], Math.round((width * resized[1]) / box.width)),
  ];
  const y = Math.min(Math.round((box.y * all[0]) / height), all[0] - resized[0]);
  const x = Math.min(Math.round((box.x * all[1]) / width), all[1] - resized[1]);
  return {
    box: { x: 0, y: 0, width, height },
    resized: all,
    window: { ...window, x: x + window.x, y: y + window.y },
    flip: crop.flip,
  };
}

const region = ({ x, y, width, height }: Crop['box']) => ({ left: x, top: y, width, height });

let library: Promise<typeof import('sharp')> | undefined;

/** The sharp library, loaded when it is first needed. Rejects with a DataError where it cannot be loaded. */
export async function loadSharp(): Promise<typeof import('sharp').default> {
  library ??= import('sharp');
  try {
    return (await library).default;
  } catch (cause) {
    throw new DataError('images are decoded by the package sharp, which cannot be loaded here', { cause });
  }
}

/** Does `work` with an opened image. Rejects with a DataError where its bytes are broken, in the same words each time. */
async function opened<T>(source: string | Uint8Array, work: (image: Sharp) => Promise<T>): Promise<T> {
  const sharp = await loadSharp();
  const bytes = typeof source === 'string' ? await readFile(source) : source;
  if (bytes.length === 0) throw new DataError('an image must hold some bytes, got an empty file');
  const failOn = 'error'; // warnings are harmless, e.g. odd metadata
  try {
    return await work(sharp(bytes, { autoOrient: true, failOn }));
  } catch (error) {
    throw brokenFile(error);
  }
}

async function pixels(image: Sharp): Promise<RawImage> {
  const { data, info } = await image
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new DataError(`an image must decode to 3 channels, got ${info.channels}`);
  return { width: info.width, height: info.height, channels: 3, data };
}
