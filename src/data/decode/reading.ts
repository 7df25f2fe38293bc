import { plural } from '../../text/plural.ts';
import { DataError } from '../error.ts';

/** Reading of image files for a model. */
export interface Reading {
  /**
   * Channels of the model. With 1 and 3 they are the picture's colours, seen on white; with other numbers the file's bands as
   * they are stored, alpha being one. Default: the colours, or the bands of a file that names no colours.
   */
  readonly channels?: number | undefined;
  /**
   * The samples of TIFF files and of 16-bit PNGs that mean 0 and 1. Default: the range of their type, which is 0 and the largest
   * of whole numbers, 0 and 1 of floating point.
   */
  readonly range?: readonly [low: number, high: number] | undefined;
}

/** True if a model takes colours, and not a file's bands. */
export function takesColours({ channels = 3 }: Reading): boolean {
  return channels === 1 || channels === 3;
}

/** The image has other channels than the model. */
export class ChannelsError extends DataError {
  constructor(channels: number, got: string) {
    super(`the model takes images of ${plural(channels, 'channel')}, got ${got}`);
  }
}

/** Throws ChannelsError for pixels that do not fit a model with this number of channels; grey and colour become each other. */
export function requireChannels(have: number, channels: number): void {
  const colours = (n: number) => n === 1 || n === 3;
  if (have !== channels && !(colours(have) && colours(channels)))
    throw new ChannelsError(channels, `an image of ${have}`);
}
