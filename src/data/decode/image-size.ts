import type { ImageSource } from '../sources/image-source.ts';
import { brokenFile } from './broken-file.ts';
import type { Size } from './crop.ts';
import { loadSharp } from './decode.ts';
import { decodeByModule } from './module-source.ts';
import { readEncoded } from './read-file.ts';

/** The size of the upright image, from its header. Rejects with a DataError for a damaged one, and with the system's error. */
export async function imageSize(source: ImageSource): Promise<Size> {
  if (source.kind === 'pixels') return [source.height, source.width];
  if (source.kind === 'module') {
    const { height, width } = await decodeByModule(source);
    return [height, width];
  }
  const bytes = await readEncoded(source);
  try {
    const { autoOrient } = await (await loadSharp())(bytes, { limitInputPixels: false }).metadata();
    return [autoOrient.height, autoOrient.width];
  } catch (error) {
    throw brokenFile(error);
  }
}
