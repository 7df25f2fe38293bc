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
  /** True: the crops that are drawn are wanted too. */
  readonly crops?: boolean | undefined;
  /** The masks of the images, where their views are wanted too. */
  readonly masks?: (MaskOptions & { readonly sources: readonly ImageSource[] }) | undefined;
}

/** Bytes of a view and, where there are masks, of its mask behind it. */
export function sampleBytes(options: Pick<ViewJob, 'size' | 'channels' | 'masks'>): number {
  return viewBytes(options) + (options.masks ? options.size[0] * options.size[1] : 0);
}

/** The failure of each view of a job, if any: `passing` as of `isPassing`, `ends` if the image is not at fault. */
export type ViewErrors = readonly (
  | { readonly message: string; readonly passing: boolean; readonly ends: boolean }
  | undefined
)[];

/** The failures of a job and, where they are wanted, the crops of its views. */
export interface MadeViews {
  readonly errors: ViewErrors;
  readonly crops?: readonly (DrawnCrop | undefined)[];
}

/** Makes the views of a job, one after another in `out`, each with its mask behind it where there are masks. */
export async function makeViews(job: ViewJob, out: Uint8Array): Promise<MadeViews> {
  const { sources, indices, seed, epoch, size, channels, range, augment, masks } = job;
  const crop = cropSamplerFrom(job.crop);
  const augmenter = augment && (await loadAugmenter(augment, channels));
  const options = { size, channels, range, crop, augmenter };
  const errors: ViewErrors[number][] = [];
  const crops: (DrawnCrop | undefined)[] = [];
  for (const [i, source] of sources.entries()) {
    const rng = sampleRng(seed, epoch, indices[i]!);
    const at = i * sampleBytes(job);
    const made = masks
      ? makeMaskedView(source, masks.sources[i]!, masks, options, rng, out, at)
      : makeView(source, options, rng, out, at);
    const failure = await made.then(
      (drawn) => {
        crops[i] = drawn;
        return undefined;
      },
      (error) => ({
        message: error instanceof Error ? error.message : String(error),
        passing: isPassing(error),
        ends: error instanceof PartError,
      }),
    );
    errors.push(failure);
  }
  return { errors, ...(job.crops && { crops }) };
}
