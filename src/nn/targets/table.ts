import { hog } from './hog.ts';
import { lowPassPixels } from './low-pass.ts';
import { pixels } from './pixels.ts';
import type { Target } from './target.ts';

const reconstruction = (by: string) =>
  `The model predicts normalised patches: in the reconstruction, each patch's mean and standard deviation${by} are those of the original.`;

/** What a decoder can predict, by the names of the setting `model.target`. */
export const targets = {
  channel: pixels(
    'channel',
    'pixels, normalised per patch and channel (the paper)',
    reconstruction(' by channel'),
  ),
  patch: pixels('patch', 'pixels, normalised per patch (MAE)', reconstruction('')),
  none: pixels(
    'none',
    'pixels as they are',
    'The model predicts pixels: the reconstruction shows them as they are.',
  ),
  'low-pass': lowPassPixels,
  hog,
} satisfies Readonly<Record<string, Target>>;

export type TargetName = keyof typeof targets;

export const targetNames = Object.keys(targets) as TargetName[];

/** The target of that name. */
export const targetOf = (name: TargetName): Target => targets[name];
