import type { Command } from 'commander';
import type { Dataset } from '../../data/sources/dataset.ts';
import { openImages } from '../../data/sources/image-list.ts';
import { anySource } from '../../data/sources/table.ts';
import { sample } from '../../run/data.ts';
import { PICTURE, requireOutputFile } from '../../run/output.ts';
import { whileFetching } from '../show/with-progress.ts';
import { writePicture } from '../show/write-picture.ts';
import { addEngineOptions, type EngineOptions, engineOptions } from './feature-options.ts';
import { wholeNumber } from './options.ts';

/** Options of commands that draw images with numbers of a model. */
export interface PictureOptions extends EngineOptions {
  readonly output: string;
  readonly count: string;
}

/** Adds arguments and options of such a command. @param output the usual file */
export function addPictureOptions(command: Command, output: string): Command {
  return addEngineOptions(
    command
      .argument('<model>', 'a file of weights, or the folder of a run')
      .argument('<images...>', `image files, ${anySource}`)
      .option('--output <file>', 'picture to write', output)
      .option('--count <n>', 'most images, chosen at random where there are more', '8'),
  );
}

/** Opens the images, draws them and writes the picture. */
export async function drawPicture(
  names: readonly string[],
  options: PictureOptions,
  draw: (
    images: Dataset,
    given: Awaited<ReturnType<typeof engineOptions>> & { readonly signal: AbortSignal },
  ) => Promise<Buffer>,
): Promise<void> {
  await requireOutputFile(options.output, PICTURE);
  const count = wholeNumber('--count', options.count, 1);
  const given = await engineOptions(options);
  const png = await whileFetching(async (watched) => {
    const images = sample(await openImages(names, watched), count, 0, 'pictures');
    return draw(images, { ...given, signal: watched.signal });
  }, 'nothing was written');
  if (png) await writePicture(options.output, png, names);
}
