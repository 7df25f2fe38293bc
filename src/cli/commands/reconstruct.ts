import { Command } from 'commander';
import { openImages } from '../../data/sources/image-list.ts';
import { reconstruct } from '../../reconstruct.ts';
import { PICTURE, requireOutputFile } from '../../run/output.ts';
import { addHeadsOptions, type HeadsOptions, headsOptions } from '../options/heads-options.ts';
import { engineOption, optionalEngine, reportBroken, tellNote, wholeNumber } from '../options/options.ts';
import { partsOf, type TaskFileOptions, taskFileOption } from '../options/task-file.ts';
import { whileFetching } from '../show/with-progress.ts';
import { writePicture } from '../show/write-picture.ts';

interface Options extends HeadsOptions, TaskFileOptions {
  output: string;
  count: string;
  seed?: string;
  given?: boolean;
  engine?: string;
}

export function reconstructCommand(): Command {
  const command = new Command('reconstruct')
    .description('draw original, degraded input and reconstruction of images')
    .argument(
      '<model>',
      'the folder of a run, or a file of weights with a decoder, of a run, MAE or Hugging Face',
    )
    .argument('[images...]', 'image files or folders (default: images that the run did not train on)');
  return addHeadsOptions(command)
    .option('--output <file>', 'picture to write', 'reconstruction.png')
    .option('--count <n>', 'most images', '8')
    .option('--seed <n>', "chooses images and draws (default: the run's)")
    .option(
      '--given',
      'two more columns: the reconstruction with the true means of patches, and these alone, given for free',
    )
    .addOption(engineOption("engine (default: the run's)"))
    .addOption(taskFileOption())
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking reconstruct runs/cifar10-micro-masked-zoomed-in-quick
  $ npx beyond-masking reconstruct runs/mine cat.jpg dog.jpg --output cat-and-dog.png
  $ npx beyond-masking reconstruct runs/mine --given
  $ npx beyond-masking reconstruct mae_visualize_vit_large.pth ~/photos`,
    )
    .action(async (model: string, images: string[], options: Options) => {
      await requireOutputFile(options.output, PICTURE);
      const parts = await partsOf(options);
      const png = await whileFetching(
        async (watched) =>
          reconstruct(model, {
            ...watched,
            images: images.length > 0 ? await openImages(images, watched) : undefined,
            count: wholeNumber('--count', options.count, 1),
            seed: options.seed === undefined ? undefined : wholeNumber('--seed', options.seed),
            given: options.given,
            engine: await optionalEngine(options.engine),
            onNote: tellNote,
            broken: reportBroken(),
            parts,
            ...headsOptions(options),
          }),
        'nothing was written',
      );
      if (!png) return;
      await writePicture(options.output, png, images);
    });
}
