import { Command } from 'commander';
import { writeShapes } from '../../data/shapes/write.ts';
import { requireOutputFolder } from '../../run/output.ts';
import { plural } from '../../text/plural.ts';
import { wholeNumber } from '../options/options.ts';
import { withProgress } from '../show/with-progress.ts';

interface Options {
  output: string;
  train: string;
  val: string;
  size: string;
  seed: string;
}

export function shapesCommand(): Command {
  return new Command('shapes')
    .description('draw pictures of shapes with exact masks and boxes: data without a download')
    .requiredOption('--output <folder>', 'an empty folder, or one that is made')
    .option('--train <n>', 'training pictures', '200')
    .option('--val <n>', 'validation pictures', '50')
    .option('--size <pixels>', 'side of the pictures', '64')
    .option('--seed <n>', 'the same seed draws the same bytes', '0')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking data shapes --output shapes
  $ npx beyond-masking data verify masks:shapes

Written are pictures of discs, boxes and triangles (images/), their masks as PNGs with a palette (masks/, classes.json), and
for detection COCO's JSON and PASCAL VOC's XML (annotations/).`,
    )
    .action(async ({ output, ...given }: Options) => {
      await requireOutputFolder(output);
      const numbers = {
        train: wholeNumber('--train', given.train, 1),
        val: wholeNumber('--val', given.val),
        size: wholeNumber('--size', given.size, 8),
        seed: wholeNumber('--seed', given.seed),
      };
      const written = await withProgress(({ onProgress, signal }) => {
        const draw = (done: number, total: number) => onProgress('drawing pictures', done, total);
        return writeShapes(output, { ...numbers, onProgress: draw, signal });
      }, `remove '${output}' to begin again`);
      if (!written) return;
      console.log(`${output} is complete: ${plural(written.images, 'picture')} with masks`);
      console.log(`use it with masks:${output} or boxes:${output}`);
    });
}
