import { realpath, stat } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import { homePath } from '../../data/home-path.ts';
import { writeFileAtomic } from '../../io/atomic.ts';
import { tellNote } from '../options/options.ts';

/**
 * Writes a picture and prints its name. A note says where it lies among the `images` that were named, files or folders: it would be one
 * of them the next time.
 */
export async function writePicture(
  output: string,
  png: Uint8Array,
  images: readonly string[],
): Promise<void> {
  await writeFileAtomic(output, png);
  console.log(output);
  for (const name of images) {
    const folder = homePath(name.replace(/^(folder|classes):/, ''));
    const found = await stat(folder).catch(() => undefined);
    if (!found?.isDirectory()) continue;
    const way = relative(await realpath(folder), await realpath(dirname(resolve(output))));
    if (way.split(sep)[0] === '..' || resolve(way) === way) continue;
    tellNote(
      `${output} lies in ${name} and will count as one of its images: move it, or take another --output`,
    );
    return;
  }
}
