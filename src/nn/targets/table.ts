import { suggestion } from '../../text/nearest.ts';
import { hog } from './hog.ts';
import { lowPassPixels } from './low-pass.ts';
import { pixels } from './pixels.ts';
import type { NamedTarget, Target } from './target.ts';

const reconstruction = (by: string) =>
  `The model predicts normalised patches: in the reconstruction, mean and standard deviation${by} are those of the patches that it sees, or of their neighbours.`;

/** Targets of the decoder, by the names of the setting `model.target`. */
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

/** A target: a name in the table, or a user-defined target. */
export type TargetChoice = string | NamedTarget;

/** The chosen target. Throws RangeError for an unknown name. */
export function targetOf(choice: TargetChoice): Target {
  if (typeof choice !== 'string') return choice;
  if (Object.hasOwn(targets, choice)) return targets[choice as TargetName];
  throw new RangeError(
    `a target must be one of ${targetNames.join(', ')}, got "${choice}"${suggestion(choice, targetNames)}`,
  );
}

/** Name of a target in messages. */
export const targetName = (choice: TargetChoice): string =>
  typeof choice === 'string' ? choice : choice.name;
