import { Command } from 'commander';
import { anySource } from '../../data/sources/table.ts';
import { embed } from '../../evaluate/features/embed.ts';
import { plural } from '../../text/plural.ts';
import {
  addFeatureOptions,
  type FeatureOptions,
  keptFeatures,
  patchOptions,
} from '../options/feature-options.ts';
import { withProgress } from '../show/with-progress.ts';

interface Options extends FeatureOptions {
  from: string;
  output: string;
  json?: boolean;
}

export function embedCommand(): Command {
  const command = new Command('embed')
    .description('write the features of images to a .npy or Parquet file, with the names of the images')
    .argument('<source>', `images: ${anySource}`)
    .requiredOption('--from <model>', 'a file of weights, or the folder of a run')
    .requiredOption('--output <file>', 'file to write: features.npy or features.parquet');
  return addFeatureOptions(command, true)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking embed ~/photos --from runs/mine --output photos.parquet
  $ npx beyond-masking embed classes:/data/flowers --from vit-base.safetensors --output flowers.npy --tokens class
  $ npx beyond-masking embed cat.jpg --from runs/mine --tokens patch --output patches.npy

A row for each image that can be read; broken ones are named, and left out. With --tokens patch, a row for each patch of each image:
.npy has the shape [images, rows, columns, width], .parquet the columns row and column.
  .npy      float32 [images, width], and beside it .images.jsonl with file (and label, class) of each row
  .parquet  columns file (and label, class) and feature, a list of float32

Features are kept on the disk while they are made (see \`cache\`): after an interruption, the same command continues.`,
    )
    .action(async (source: string, options: Options) => {
      const { from, output } = options;
      const features = await patchOptions(options);
      const result = await withProgress(
        (progress) => embed(from, source, { ...features, ...progress, output }),
        keptFeatures(options),
      );
      if (!result) return;
      if (options.json) {
        const { images, grid, width, broken, files } = result;
        console.log(JSON.stringify({ images, grid, width, broken, files }, null, 2));
        return;
      }
      const left = result.broken > 0 ? `, ${plural(result.broken, 'broken one')} left out` : '';
      const patches = result.grid ? ` of ${result.grid.join('×')} patches` : '';
      console.log(
        `${plural(result.images, 'image')}${patches}, ${plural(result.width, 'number')} each${left}`,
      );
      for (const file of result.files) console.log(file);
    });
}
