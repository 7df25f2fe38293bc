import { createHash } from 'node:crypto';
import { rng } from '../../random/rng.ts';
import type { Reading } from '../decode/reading.ts';
import { type Annotations, annotationsAt } from './annotations.ts';
import type { ImageSource } from './image-source.ts';

/** Decoded pixels: sRGB (3 channels), grey (1) or bands of a file, 8 bit, upright, ordered [height, width, channels]. */
export interface RawImage {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/**
 * A fixed list of images. `name`, `length`, `contentKey`, `id` and `image` make a data set;
 * the rest is for annotations, speed, and keys that are the same for a copy.
 */
export interface Dataset extends Annotations {
  readonly name: string;
  readonly length: number;
  /** Changes when images are added, removed or replaced: features are kept under it. */
  readonly contentKey: string;
  /** Names the images wherever they lie: a resumed run compares it. Without it, `contentKey` does. */
  readonly content?: Content;
  /** Name of image `index` in messages: a path, or a number. */
  id(index: number): string;
  /** The whole image; of a file, as `reading` says. Throws (or rejects) when it cannot be read. */
  image(index: number, reading?: Reading): RawImage | Promise<RawImage>;
  /** Where image `index` lies, so that its views can be made on other threads and without reading all of it. */
  source?(index: number): ImageSource;
}

/** Identity of the images of a data set, wherever they lie: equal for a copy, different if a byte differs. */
export interface Content {
  /**
   * By names and sizes, known without reading: data sets with different outlines differ, those with the same one may. Earlier
   * versions kept it in checkpoints and packs.
   */
  readonly outline: string;
  /** By names, sizes and SHA-256. Rejects with the signal's reason, and with the system's error when it has no more open files. */
  digest(options?: DigestOptions): Promise<string>;
}

/** How reading is watched and stopped. */
export interface DigestOptions {
  /** Called with the bytes that are read so far, and all that will be. */
  readonly onProgress?: (progress: {
    readonly phase: 'digest';
    readonly done: number;
    readonly total: number;
  }) => void;
  readonly signal?: AbortSignal;
}

/**
 * The images of `dataset` at `indices`, in that order, as a data set.
 * Throws RangeError for an index outside the data set.
 */
export function subset(dataset: Dataset, indices: ArrayLike<number>, name = dataset.name): Dataset {
  const chosen = Int32Array.from(indices);
  for (const index of chosen) {
    if (index < 0 || index >= dataset.length) {
      throw new RangeError(`an index must lie in [0, ${dataset.length}), got ${index}`);
    }
  }
  const hash = createHash('sha256').update(chosen.join()).digest('hex').slice(0, 16);
  const { source, content } = dataset;
  const part = (key: string) => `${key}/${chosen.length}-${hash}`;
  return {
    name,
    length: chosen.length,
    contentKey: part(dataset.contentKey),
    ...(content && {
      content: {
        outline: part(content.outline),
        digest: async (options) => part(await content.digest(options)),
      },
    }),
    ...annotationsAt(dataset, chosen),
    id: (index) => dataset.id(chosen[index]!),
    image: (index, reading) => dataset.image(chosen[index]!, reading),
    ...(source && { source: (index) => source.call(dataset, chosen[index]!) }),
  };
}

/** Images in the order in which `split` sets them aside. */
export function splitOrder(images: number): Int32Array {
  return rng(0, 'split').permutation(images);
}

/**
 * Sets a random `fraction` of the images aside. They depend on the number of images alone, and a larger fraction holds the images of
 * a smaller one, so that no command judges a model on images that another one trained it on.
 * Both parts keep the order of the data set and hold at least one image.
 * Throws RangeError unless fraction lies in (0, 1) and there are two images.
 */
export function split(dataset: Dataset, fraction: number): { train: Dataset; heldOut: Dataset } {
  if (!(fraction > 0 && fraction < 1)) {
    throw new RangeError(`the held-out fraction must lie in (0, 1), got ${fraction}`);
  }
  const n = dataset.length;
  if (n < 2)
    throw new RangeError(
      `images can be held out of two or more, got ${n} in '${dataset.name}': give more, or hold none out (--set data.heldOut=0)`,
    );
  const count = Math.min(n - 1, Math.max(1, Math.round(fraction * n)));
  const order = splitOrder(n);
  return {
    train: subset(dataset, order.subarray(count).sort(), `${dataset.name} (training part)`),
    heldOut: subset(dataset, order.subarray(0, count).sort(), `${dataset.name} (held-out part)`),
  };
}
