import { Command } from 'commander';
import { anySource } from '../../data/sources/table.ts';
import { neighbours } from '../../evaluate/features/neighbours.ts';
import { writeFileAtomic } from '../../io/atomic.ts';
import { PICTURE, requireOutputFile } from '../../run/output.ts';
import {
  addFeatureOptions,
  type FeatureOptions,
  featureOptions,
  keptFeatures,
} from '../options/feature-options.ts';
import { tellNote, wholeNumber } from '../options/options.ts';
import { table } from '../show/table.ts';
import { withProgress } from '../show/with-progress.ts';
import { writePicture } from '../show/write-picture.ts';

interface Options extends FeatureOptions {
  among: string;
  from: string;
  k: string;
  images?: string;
  output: string;
  json?: boolean;
}

export function neighboursCommand(): Command {
  const command = new Command('neighbours')
    .description('find the images whose features are most similar, and draw them')
    .argument('<images...>', 'image files or folders to find neighbours of')
    .requiredOption(
      '--among <features>',
      `what to look through: a file that \`embed\` wrote, or ${anySource}`,
    )
    .requiredOption('--from <model>', 'a file of weights, or the folder of a run')
    .option('-k <n>', 'neighbours of each image', '8')
    .option('--images <source>', 'images of a file of features, to draw them (default: files by their names)')
    .option('--output <file>', 'picture to write', 'neighbours.png');
  return addFeatureOptions(command)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking neighbours cat.jpg --among ~/photos --from runs/mine
  $ npx beyond-masking neighbours cat.jpg dog.jpg --among photos.parquet --images ~/photos --from runs/mine -k 5

Similarity is the cosine of the features; 1 is the same direction. An image's own file is left out of its neighbours.`,
    )
    .action(async (images: string[], options: Options) => {
      await requireOutputFile(options.output, PICTURE);
      const features = await featureOptions(options);
      const k = wholeNumber('-k', options.k, 1);
      const found = await withProgress(
        (progress) =>
          neighbours(options.from, images, options.among, {
            ...{ ...features, ...progress },
            ...{ k, images: options.images, picture: true },
          }),
        keptFeatures(options),
      );
      if (!found) return;
      if (options.json) console.log(JSON.stringify({ among: found.among, images: found.images }, null, 2));
      else
        for (const { name, neighbours: near } of found.images) {
          const rows = near.map((each) => [each.similarity.toFixed(3), each.name]);
          console.log(`${table([['cosine', `neighbours of ${name}`], ...rows])}\n`);
        }
      if (!found.png)
        return tellNote(
          `no picture: the images of ${options.among} are not found by their names, --images names them`,
        );
      if (options.json) await writeFileAtomic(options.output, found.png);
      else await writePicture(options.output, found.png, [options.among]);
    });
}
