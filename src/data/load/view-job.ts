import { PartError } from '../../modules/module-export.ts';
import type { Augment } from '../augment/augment.ts';
import { loadAugmenter } from '../augment/load-own.ts';
import type { CropSamplerDescription, Size } from '../decode/crop.ts';
import { cropSamplerFrom } from '../decode/evaluation-view.ts';
import type { Reading } from '../decode/reading.ts';
import { isPassing } from '../error.ts';
import type { ImageSource } from '../sources/image-source.ts';
import { type MaskOptions, makeMaskedView } from './masked-view.ts';
import { sampleRng } from './sampler.ts';
import { type DrawnCrop, makeView, viewBytes } from './views.ts';

/** Views that another thread is to make: all that matters, without functions. */
export interface ViewJob {
  readonly sources: readonly ImageSource[];
  /** Whose random streams they have, with the seed and the epoch. */
  readonly indices: readonly number[];
  readonly seed: number;
  readonly epoch: number;
  readonly size: Size;
  readonly channels: number;
  readonly range: Reading['range'];
  readonly crop: CropSamplerDescription;
  readonly augment?: Augment | undefined;
  /** True: the crops are wanted. They are not posted otherwise, which takes time. */
  readonly crops?: boolean | undefined;
  /** The masks of the images, where their views are wanted too. */
  readonly masks?: (MaskOptions & { readonly sources: readonly ImageSource[] }) | undefined;
}

/** Bytes of a view and, where there are masks, of its mask behind it. */
export function sampleBytes(options: Pick<ViewJob, 'size' | 'channels' | 'masks'>): number {
  return viewBytes(options) + (options.masks ? options.size[0] * options.size[1] : 0);
}

/** The failure of a view: `passing` as of `isPassing`, `ends` if the image is not at fault. */
export interface ViewFailure {
  readonly message: string;
  readonly passing: boolean;
  readonly ends: boolean;
}

/** The failure of each view of a job, or its crop where it is wanted. */
export type ViewResults = readonly (DrawnCrop | ViewFailure | undefined)[];

/** Makes the views of a job, one after another in `out`, each with its mask behind it where there are masks. */
export async function makeViews(job: ViewJob, out: Uint8Array): Promise<ViewResults> {
  const { sources, indices, seed, epoch, size, channels, range, augment, masks } = job;
  const crop = cropSamplerFrom(job.crop);
  const augmenter = augment && (await loadAugmenter(augment, channels));
  const options = { size, channels, range, crop, augmenter };
  const results: ViewResults[number][] = [];
  for (const [i, source] of sources.entries()) {
    const rng = sampleRng(seed, epoch, indices[i]!);
    const at = i * sampleBytes(job);
    const made = masks
      ? makeMaskedView(source, masks.sources[i]!, masks, options, rng, out, at)
      : makeView(source, options, rng, out, at);
    results.push(await made.then((drawn) => (job.crops ? drawn : undefined), failureOf));
  }
  return results;
}

/** The failure that an error is. */
export function failureOf(error: unknown): ViewFailure {
  return {
    message: error instanceof Error ? error.message : String(error),
    passing: isPassing(error),
    ends: error instanceof PartError,
  };
}
