import type { EncodedSource } from '../decode/read-file.ts';

/** Where an image lies: encoded, in a file or a part of one, or as pixels. */
export type ImageSource = EncodedSource | PixelSource;

/** The pixels of an image, [height, width, channels] bytes, from byte `offset` of a file on. */
export interface PixelSource {
  readonly kind: 'pixels';
  readonly file: string;
  readonly offset: number;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}
