import type { Command } from 'commander';
import { labelledSource, testedSource } from '../../data/sources/table.ts';
import { UsageError } from '../errors.ts';
import { addFeatureOptions, type FeatureOptions, featureOptions } from './feature-options.ts';

/** Options of commands that judge a model on images with classes. */
export interface ImageOptions extends FeatureOptions {
  data?: string;
  test?: string;
  heldOut?: string;
}

/** Options that name the images. */
export function addSourceOptions(command: Command): Command {
  return command
    .option('--data <source>', `images to learn from: ${labelledSource} (default: the run's)`)
    .option(
      '--test <source>',
      `images to judge on (default: the test set of ${testedSource}, or a share of --data)`,
    )
    .option('--held-out <share>', "that share of --data (default: the run's, else 0.1)");
}

export function addImageOptions(command: Command): Command {
  return addFeatureOptions(addSourceOptions(command));
}

/** The same, as library calls take them. Throws UsageError. */
export async function imageOptions({ data, test, heldOut, ...features }: ImageOptions) {
  return { data, test, heldOut: share(heldOut), ...(await featureOptions(features)) };
}

function share(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value < 1))
    throw new UsageError(`--held-out must lie in (0, 1), got "${text}"`);
  return value;
}
