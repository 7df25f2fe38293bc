import { closeSync, openSync, readSync } from 'node:fs';
import type { Rng } from '../../random/rng.ts';
import type { Augmenter } from '../augment/augment.ts';
import type { Crop, CropSampler, Size } from '../decode/crop.ts';
import { decodeView } from '../decode/decode.ts';
import { decodeByModule } from '../decode/module-source.ts';
import { type Reading, requireChannels } from '../decode/reading.ts';
import type { Pixels } from '../decode/resize.ts';
import { DataError } from '../error.ts';
import type { RawImage } from '../sources/dataset.ts';
import type { ImageSource } from '../sources/image-source.ts';
import { drawCrop, withoutBorder, writeCrop, writeView } from './crop-view.ts';

/** How a view is made from an image. */
export interface ViewOptions {
  readonly size: Size;
  readonly channels: number;
  /** See `Reading`. */
  readonly range?: Reading['range'];
  readonly crop: CropSampler;
  readonly augmenter?: Augmenter | undefined;
  /** True if a crop will do, judged by the image's mask; the crop sampler may draw another one. */
  readonly accept?: ((drawn: DrawnCrop) => boolean) | undefined;
}

/** Bytes of a view. */
export const viewBytes = ({ size, channels }: Pick<ViewOptions, 'size' | 'channels'>) =>
  channels * size[0] * size[1];

/** The crop that a view was made by, and the size of the upright image that it was chosen for: a mask takes the same one. */
export interface DrawnCrop {
  readonly image: Size;
  readonly crop: Crop;
}

/**
 * Makes a view of an image: crop, mirroring, augmentation, in this order, drawn from `derive('crop')` and
 * `derive('augment')` of `rng`. Writes planes [channels, height, width] into `out` from `offset` on, and resolves to the crop.
 * Rejects when the image cannot be read, with ChannelsError when it has others, with a RangeError when the crop has another size than
 * the view.
 */
export async function makeView(
  from: ImageSource | RawImage,
  options: ViewOptions,
  rng: Rng,
  out: Uint8Array,
  offset: number,
): Promise<DrawnCrop> {
  const { size, channels, range, crop: sampler, accept } = options;
  let drawn: DrawnCrop; // with its border
  const choose = (image: Size) => {
    const crop = drawCrop(sampler, rng, image, size, accept && ((crop) => accept({ image, crop })));
    drawn = { image, crop };
    return withoutBorder(crop);
  };
  const use = (image: RawImage | Pixels, crop: Crop) => {
    requireChannels(image.channels, channels);
    writeView(image, drawn.crop, crop, options, rng, out, offset);
    return drawn;
  };
  if ('data' in from) return use(from, choose([from.height, from.width]));
  if (from.kind === 'module') {
    const image = await decodeByModule(from);
    return use(image, choose([image.height, image.width]));
  }
  if (from.kind !== 'pixels') return decodeView(from, choose, use, { channels, range }, isBicubic(sampler));
  const { file, offset: begin, ...image } = from;
  return use({ ...image, read: reader(file, begin) }, choose([image.height, image.width]));
}

/**
 * Writes the view of a mask, [height, width] class numbers, into `out` from `offset` on: crop and mirroring are those of its image's view,
 * each pixel is the nearest one of the mask, and those beyond the image are `ignore`.
 * Throws a DataError for a mask of several channels or of another size than its image.
 */
export function maskView(
  mask: RawImage,
  { image, crop }: DrawnCrop,
  ignore: number,
  out: Uint8Array,
  offset: number,
): void {
  const { height, width, channels } = mask;
  if (height !== image[0] || width !== image[1] || channels !== 1)
    throw new DataError(
      `a mask must have 1 channel and its image's size, ${image.join(' × ')}, got ${channels} of ${height} × ${width}`,
    );
  const nearest = { ...crop, filter: 'nearest', border: [ignore] } as const;
  writeCrop(mask, nearest, withoutBorder(nearest), 1, out, offset);
}

/** True if crops are resized as decoders of large files can. */
function isBicubic({ description }: CropSampler): boolean {
  return description?.name !== 'evaluation' || description.view.filter === 'bicubic';
}

/** Most files of packs that stay open. */
const OPEN = 256;
const handles = new Map<string, number>();

function reader(file: string, offset: number): Pixels['read'] {
  let handle = handles.get(file);
  if (handle === undefined) {
    if (handles.size === OPEN) {
      for (const each of handles.values()) closeSync(each);
      handles.clear();
    }
    handle = openSync(file, 'r');
    handles.set(file, handle);
  }
  return (from, target) => {
    const got = readSync(handle, target, 0, target.length, offset + from);
    if (got !== target.length) throw new DataError(`'${file}' ends too early`);
  };
}
