import { Command } from 'commander';
import { fewImages, scoreText } from '../../evaluate/interval.ts';
import { knnOfCheckpoints } from '../../evaluate/knn/knn-checkpoints.ts';
import type { KnnReport } from '../../evaluate/knn/knn-folder.ts';
import { knn } from '../../evaluate/knn/knn-report.ts';
import { plural } from '../../text/plural.ts';
import { keptFeatures } from '../options/feature-options.ts';
import { addImageOptions, type ImageOptions, imageOptions } from '../options/image-options.ts';
import { wholeNumber } from '../options/options.ts';
import { count, table } from '../show/table.ts';
import { withProgress } from '../show/with-progress.ts';

interface Options extends ImageOptions {
  trainImages: string;
  testImages: string;
  seed: string;
  checkpoints?: boolean;
  output?: string;
  json?: boolean;
}

export function knnCommand(): Command {
  const command = new Command('knn')
    .description('judge features by a k-nearest-neighbour classifier (cosine, temperature 0.07)')
    .argument(
      '<model>',
      'a file of weights, or the folder of a run: its best checkpoint where there is one, else the newest',
    );
  return addImageOptions(command)
    .option('--train-images <n>', 'most images that vote; 0: all', '10000')
    .option('--test-images <n>', 'most images that are classified; 0: all', '2000')
    .option('--seed <n>', 'chooses the images, and the random weights', '0')
    .option(
      '--checkpoints',
      'judge every checkpoint of a run, not one; see the setting checkpoints.keepEvery',
    )
    .option('--output <folder>', 'folder for settings and scores, which `report` reads')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking knn runs/cifar10-micro-masked-zoomed-in-quick
  $ npx beyond-masking knn runs/mine --checkpoints --output runs/mine-knn-checkpoints
  $ npx beyond-masking knn runs/mine --data classes:/data/flowers --output runs/mine-knn
  $ npx beyond-masking knn vit-base.safetensors --data classes:/data/imagenet/train --test classes:/data/imagenet/val

It is a report: numbers to compare, with those of random weights and of raw pixels beside them. Where a tenth of the images
would be fewer than 100, and neither --test nor --held-out says otherwise, each image is classified by all others.`,
    )
    .action(async (model: string, options: Options) => {
      const reports = await withProgress(async (progress) => {
        const given = {
          ...(await imageOptions(options)),
          ...progress,
          trainImages: wholeNumber('--train-images', options.trainImages),
          testImages: wholeNumber('--test-images', options.testImages),
          seed: wholeNumber('--seed', options.seed),
          output: options.output,
        };
        return options.checkpoints ? knnOfCheckpoints(model, given) : [await knn(model, given)];
      }, keptFeatures(options));
      if (!reports) return;
      if (options.json) {
        console.log(JSON.stringify(options.checkpoints ? reports : reports[0], null, 2));
        return;
      }
      console.log(describe(reports));
      if (options.output !== undefined) console.log(`\n${options.output}`);
    });
}

function describe(reports: readonly (KnnReport & { readonly step?: number })[]): string {
  const { features, random, pixels, train, test, leaveOneOut } = reports.at(-1)!;
  const names = Object.keys(features);
  const row = (what: string, scores: Readonly<Record<string, number>>) => [
    what,
    ...names.map((name) => scoreText(scores[name]!, test)),
  ];
  const scores = table([
    ['kNN top-1', ...names.map((name) => `k ${name.slice('knn'.length)}`)],
    ...reports.map((report) =>
      row(
        report.step === undefined ? 'features of the model' : `features at step ${report.step}`,
        report.features,
      ),
    ),
    row('features of random weights', random),
    row('raw pixels', pixels),
  ]);
  const how = leaveOneOut
    ? `leave-one-out: each of ${plural(test, 'image')} is classified by all others, and pre-training may have seen it, though not its class`
    : `${plural(train, 'image')} ${train === 1 ? 'votes' : 'vote'} on ${count(test)}`;
  return [scores, '', how, fewImages(test)].filter((line) => line !== undefined).join('\n');
}
