import type { ImageSource } from '../sources/image-source.ts';
import { brokenFile } from './broken-file.ts';
import type { Size } from './crop.ts';
import { loadSharp } from './decode.ts';
import { readEncoded } from './read-file.ts';

/** The size of the upright image, from its header. Rejects with a DataError for a damaged one, and with the system's error. */
export async function imageSize(source: ImageSource): Promise<Size> {
  if (source.kind === 'pixels') return [source.height, source.width];
  const bytes = await readEncoded(source);
  try {
    const { autoOrient } = await (await loadSharp())(bytes, { limitInputPixels: false }).metadata();
    return [autoOrient.height, autoOrient.width];
  } catch (error) {
    throw brokenFile(error);
  }
}
