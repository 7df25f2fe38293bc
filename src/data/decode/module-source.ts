import { loadExport } from '../../modules/load-export.ts';
import { PartError } from '../../modules/module-export.ts';
import { plural } from '../../text/plural.ts';
import type { RawImage } from '../sources/dataset.ts';
import type { ModuleSource } from '../sources/image-source.ts';

/**
 * Decodes an image on this thread by a module. Rejects with a PartError for a wrong module or result, and with the function's own
 * error for an image that it cannot read.
 */
export async function decodeByModule(source: ModuleSource): Promise<RawImage> {
  const what = 'the own decoder, a module,';
  const decode = await loadExport<(options: unknown) => RawImage | Promise<RawImage>>(source, what);
  const image: Partial<RawImage> | undefined = await decode(source.options);
  const { width, height, channels, data } = image ?? {};
  const sizes = [height, width, channels];
  const whole = sizes.every((size) => Number.isSafeInteger(size) && size! > 0);
  if (!whole || !(data instanceof Uint8Array) || data.length !== height! * width! * channels!)
    throw new PartError(
      `${what} must give { width, height, channels, data } with a Uint8Array of height × width × channels, got ${
        data ? `${sizes.join(' × ')} and ${plural(data.length, 'value')}` : typeof image
      }`,
    );
  return image as RawImage;
}
