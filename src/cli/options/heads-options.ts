import type { Command } from 'commander';
import type { Size } from '../../image/size.ts';
import type { ForeignOptions } from '../../weights/in/foreign.ts';
import { UsageError } from '../errors.ts';
import { wholeNumber } from './options.ts';

/** Properties that the shapes of weights do not show. */
export interface HeadsOptions {
  heads?: string;
  decoderHeads?: string;
  image?: string;
}

export const IMAGE_OPTION = [
  '--image <size>',
  "height and width of the model's images, 224 or 192x256, where another project's file does not state it",
] as const;

/** Height and width. Throws UsageError for other text. */
export function imageSize(text: string | undefined): Size | undefined {
  if (text === undefined) return undefined;
  const [, height, width = height] = /^(\d{1,5})(?:[x×,](\d{1,5}))?$/.exec(text.trim()) ?? [];
  if (Number(height) >= 1 && Number(width) >= 1) return [Number(height), Number(width)];
  throw new UsageError(`--image must be a height and width in pixels, as 192x256, got "${text}"`);
}

export function addHeadsOptions(command: Command): Command {
  return command
    .option('--heads <n>', "attention heads, if another project's file does not name them")
    .option('--decoder-heads <n>', 'the same of its decoder')
    .option(...IMAGE_OPTION);
}

/** The same, as library calls take them. Throws UsageError. */
export function headsOptions({ heads, decoderHeads, image }: HeadsOptions): ForeignOptions {
  return {
    heads: heads === undefined ? undefined : wholeNumber('--heads', heads, 1),
    image: imageSize(image),
    decoderHeads: decoderHeads === undefined ? undefined : wholeNumber('--decoder-heads', decoderHeads, 1),
  };
}
