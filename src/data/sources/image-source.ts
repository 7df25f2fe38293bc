import type { ModuleExport } from '../../modules/module-export.ts';
import type { EncodedSource } from '../decode/read-file.ts';

/** Where an image lies: encoded, in a file or a part of one, as pixels, or where a module of the user's own decodes it. */
export type ImageSource = EncodedSource | PixelSource | ModuleSource;

/** The pixels of an image, [height, width, channels] bytes, from byte `offset` of a file on. */
export interface PixelSource {
  readonly kind: 'pixels';
  readonly file: string;
  readonly offset: number;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** True if an image lies in a file, or a part of one, that is to be decoded. */
export function isEncoded(source: ImageSource | undefined): source is EncodedSource {
  return source?.kind === 'file' || source?.kind === 'slice';
}

/** An image that a function of the user's own decodes: the export gets `options` and gives the pixels, at once or as a promise. */
export interface ModuleSource extends ModuleExport {
  readonly kind: 'module';
}
