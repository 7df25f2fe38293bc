import { closeSync, openSync, readSync } from 'node:fs';
import type { Rng } from '../../random/rng.ts';
import { type Augment, type Augmenter, makeAugmenter } from '../augment/augment.ts';
import { upright } from '../augment/image.ts';
import type { Crop, Geometry, GeometryDescription, Size } from '../decode/crop.ts';
import { decodeView } from '../decode/decode.ts';
import { geometryFrom, visible } from '../decode/evaluation-view.ts';
import { writePlanar } from '../decode/planar.ts';
import { type Reading, requireChannels } from '../decode/reading.ts';
import { cropPlanes, cropResize, type Pixels } from '../decode/resize.ts';
import { DataError, isPassing } from '../error.ts';
import type { RawImage, Source } from '../sources/dataset.ts';
import { inBorder } from './border.ts';
import { sampleRng } from './sampler.ts';

/** How a view is made from an image. */
export interface ViewOptions {
  readonly size: Size;
  readonly channels: number;
  /** See `Reading`. */
  readonly range?: Reading['range'];
  readonly geometry: Geometry;
  readonly augmenter?: Augmenter | undefined;
}

/** Bytes of a view. */
export const viewBytes = ({ size, channels }: Pick<ViewOptions, 'size' | 'channels'>) =>
  channels * size[0] * size[1];

/**
 * Makes a view of an image: crop, mirroring, augmentation, in this order, drawn from `derive('crop')` and
 * `derive('augment')` of `rng`. Writes planes [channels, height, width] into `out` from `offset` on.
 * Rejects when the image cannot be read, with ChannelsError when it has others, with a RangeError when the geometry makes views of
 * another size.
 */
export async function makeView(
  from: Source | RawImage,
  options: ViewOptions,
  rng: Rng,
  out: Uint8Array,
  offset: number,
): Promise<void> {
  const { size, channels, range, geometry, augmenter } = options;
  let framed: Crop; // with its border
  const choose = (image: Size) => {
    framed = geometry(rng.derive('crop'), image, size);
    const { width, height } = framed.window;
    if (height !== size[0] || width !== size[1])
      throw new RangeError(`a view must be ${size.join(' × ')}, got ${height} × ${width}`);
    return { ...framed, window: visible(framed.window, framed.resized) };
  };
  const use = (image: RawImage | Pixels, crop: Crop) => {
    requireChannels(image.channels, channels);
    if (!augmenter)
      return inBorder(framed, channels, out, offset, (target, at) =>
        cropPlanes(image, crop, channels, target, at),
      );
    const draws = rng.derive('augment');
    const augmented = augmenter.image(upright(cropResize(image, crop), channels, crop.flip), draws);
    writePlanar(augmented, channels, false, out, offset);
    augmenter.planes(out, offset, size, draws);
  };
  if ('data' in from) return use(from, choose([from.height, from.width]));
  if (!('offset' in from))
    return decodeView(from.file, choose, use, { channels, range }, isBicubic(geometry));
  const { file, offset: begin, ...image } = from;
  use({ ...image, read: reader(file, begin) }, choose([image.height, image.width]));
}

/** Whether a geometry resizes as decoders of large files can. */
function isBicubic({ description }: Geometry): boolean {
  return description?.name !== 'evaluation' || description.view.filter === 'bicubic';
}

/** Files of packs stay open, so many at most. */
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

/** Views that another thread is to make: all that matters, without functions. */
export interface ViewJob {
  readonly sources: readonly Source[];
  /** Whose random streams they have, with the seed and the epoch. */
  readonly indices: readonly number[];
  readonly seed: number;
  readonly epoch: number;
  readonly size: Size;
  readonly channels: number;
  readonly range: Reading['range'];
  readonly geometry: GeometryDescription;
  readonly augment?: Augment | undefined;
}

/** For each view of a job why it could not be made, if so; `passing` as `isPassing` tells it. */
export type ViewErrors = readonly ({ readonly message: string; readonly passing: boolean } | undefined)[];

/** Makes the views of a job, one after another in `out`. */
export async function makeViews(job: ViewJob, out: Uint8Array): Promise<ViewErrors> {
  const { sources, indices, seed, epoch, size, channels, range, augment } = job;
  const geometry = geometryFrom(job.geometry);
  const options = { size, channels, range, geometry, augmenter: augment && makeAugmenter(augment, channels) };
  const errors: ViewErrors[number][] = [];
  for (const [i, source] of sources.entries()) {
    const rng = sampleRng(seed, epoch, indices[i]!);
    const failure = await makeView(source, options, rng, out, i * viewBytes(job)).then(
      () => undefined,
      (error) => ({
        message: error instanceof Error ? error.message : String(error),
        passing: isPassing(error),
      }),
    );
    errors.push(failure);
  }
  return errors;
}
