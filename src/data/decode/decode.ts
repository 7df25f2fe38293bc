import { isMainThread } from 'node:worker_threads';
import type { Sharp } from 'sharp';
import { DataError } from '../error.ts';
import type { RawImage } from '../sources/dataset.ts';
import { brokenFile, decodeToTheEnd } from './broken-file.ts';
import { type Crop, type Size, whole } from './crop.ts';
import { type ImageFormat, imageFormat, otherFormat } from './formats.ts';
import { plainJpegSize } from './jpeg-header.ts';
import { maxPixels, requirePixels } from './limits.ts';
import { type EncodedSource, readEncoded, readEncodedSync } from './read-file.ts';
import { type Reading, takesColours } from './reading.ts';
import { oneByte } from './samples.ts';
import { readStored } from './stored.ts';
import { firstPage } from './tiff.ts';
import { turboJpeg } from './turbojpeg.ts';

/**
 * Reads an image file (or its bytes) as upright pixels of 8 bits, [height, width, channels]: sRGB of 3 channels, or grey or bands as
 * they are stored where `reading` and the file want it (see `Reading`).
 *
 * EXIF orientation and an embedded colour profile are honoured; grey is repeated, CMYK and 16 bit are converted;
 * transparent parts show white, as on a page; of an animation, or of pages, the first is taken.
 * Rejects with an Error for a file that is missing, empty, cut off, no image, or too large.
 */
export async function decodeImage(source: string | Uint8Array, reading: Reading = {}): Promise<RawImage> {
  return typeof source === 'string'
    ? decodeSource({ kind: 'file', file: source }, reading)
    : decodeBytes(source, reading);
}

/** The same of a file, whose path may be no UTF-8, or of a part of one. */
export async function decodeSource(source: EncodedSource, reading: Reading = {}): Promise<RawImage> {
  return decodeBytes(await readEncoded(source), reading);
}

async function decodeBytes(bytes: Uint8Array, reading: Reading): Promise<RawImage> {
  const format = requireFormat(bytes);
  const stored = await readStored(bytes, format, reading, await loadSharp());
  return stored ?? opened(bytes, format, wholePixels);
}

/** Large images that this thread has decoded to their end, by their places; no more than `MOST_KNOWN`. */
const complete = new Set<string>();
const MOST_KNOWN = 100_000;

/** A file of more bytes, or an image of more pixels, is cut out and resized while it is decoded: it may be much larger than the view. */
const LARGE = 2 ** 20;
const MANY_PIXELS = 2 ** 24;

/**
 * Hands `use` the image from which a crop is to be taken, with that crop: the whole image, or, of a large one, the crop
 * itself as `decodeCrop` makes it. `choose` gets the size of the upright image, once. The image's pixels change
 * after `use` has returned. Where crops are resized by another filter than the bicubic one, no file is large. Resolves to the result that
 * `use` returns. Rejects for a broken file, wherever in it the crop lies.
 */
export async function decodeView<T>(
  source: EncodedSource,
  choose: (image: Size) => Crop,
  use: (image: RawImage, crop: Crop) => T,
  reading: Reading = {},
  bicubic = true,
): Promise<T> {
  // A thread that has nothing else to do reads faster by waiting.
  const bytes = isMainThread ? await readEncoded(source) : readEncodedSync(source);
  const all = (image: RawImage) => use(image, choose([image.height, image.width]));
  const small = bytes.length <= LARGE;
  const fast = (small || !bicubic) && takesColours(reading) ? (await turboJpeg())?.(bytes) : undefined;
  if (fast) {
    requirePixels(fast.width, fast.height);
    return all(fast);
  }
  const format = requireFormat(bytes);
  const stored = await readStored(bytes, format, reading, await loadSharp());
  if (stored) return all(stored);
  if (!bicubic || (small && !hasManyPixels(bytes, format)))
    return all(await opened(bytes, format, wholePixels));
  await requireComplete(source, bytes, format);
  let flip = false;
  const image = await decodeCrop(bytes, (size) => {
    const crop = choose(size);
    flip = crop.flip;
    return crop;
  });
  const size: Size = [image.height, image.width];
  return use(image, { box: whole(size), resized: size, window: whole(size), flip });
}

/** True if a few bytes become much more than that, by the header of a PNG or JPEG. */
function hasManyPixels(bytes: Uint8Array, format: ImageFormat): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (format === 'png') return bytes.length >= 24 && view.getUint32(16) * view.getUint32(20) > MANY_PIXELS;
  const [height, width] = (format === 'jpeg' && plainJpegSize(bytes)) || [0, 0];
  return height * width > MANY_PIXELS;
}

async function requireComplete(source: EncodedSource, bytes: Uint8Array, format: ImageFormat): Promise<void> {
  const key = `${source.file} ${source.kind === 'slice' ? source.offset : 0} ${bytes.length}`;
  if (complete.has(key)) return;
  await opened(bytes, format, decodeToTheEnd);
  if (complete.size === MOST_KNOWN) complete.clear();
  complete.add(key);
}

/**
 * Like `decodeImage` of colours, but decodes, cuts out and resizes in one go: the crop without its mirroring.
 * `choose` gets the size of the upright image. The filter is bicubic (a = −0.5), widened when shrinking; an enlarged
 * box lies half an output pixel further right and down than PIL's (libvips/libvips#4841), less than the
 * rounding of the box to whole pixels.
 */
export async function decodeCrop(
  source: string | Uint8Array,
  choose: (image: Size) => Crop,
): Promise<RawImage> {
  const bytes = typeof source === 'string' ? await readEncoded({ kind: 'file', file: source }) : source;
  return opened(bytes, requireFormat(bytes), async (image) => {
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

function requireFormat(bytes: Uint8Array): ImageFormat {
  if (bytes.length === 0) throw new DataError('an image must hold some bytes, got none');
  const format = imageFormat(bytes);
  if (format) return format;
  throw new DataError(
    `an image must be a JPEG, PNG, WebP, GIF, TIFF or AVIF by its first bytes, got ${otherFormat(bytes)}`,
  );
}

/**
 * Does `work` with an opened image. Rejects with a DataError where its bytes are broken, in the same words each time, and where it has
 * too many pixels, with the limit.
 */
async function opened<T>(
  bytes: Uint8Array,
  format: ImageFormat,
  work: (image: Sharp) => Promise<T>,
): Promise<T> {
  const sharp = await loadSharp();
  const page = format === 'tiff' ? firstPage(bytes) : bytes;
  const failOn = 'error'; // warnings are harmless, e.g. odd metadata
  try {
    return await work(sharp(page, { autoOrient: true, failOn, limitInputPixels: maxPixels() }));
  } catch (error) {
    if (!(error as Error).message.includes('exceeds pixel limit')) throw brokenFile(error);
    const { width, height } = await sharp(page, { limitInputPixels: false }).metadata();
    requirePixels(width, height);
    throw error;
  }
}

/** The pixels of a whole image, which must differ where 16-bit samples differ. */
async function wholePixels(image: Sharp): Promise<RawImage> {
  const decoded = await pixels(image);
  const { data } = decoded;
  if (data.some((value) => value !== data[0]) || (await image.metadata()).depth !== 'ushort') return decoded;
  const { channels, isOpaque } = await image.stats();
  const varied = channels.find(({ min, max }) => min < max);
  if (varied && isOpaque) throw oneByte(varied.min, varied.max, data[0]!, [0, 65535]);
  return decoded;
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
