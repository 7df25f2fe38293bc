import { Command } from 'commander';
import { NEIGHBOURS } from '../../evaluate/knn/knn.ts';
import { knn } from '../../evaluate/knn/knn-report.ts';
import { keptFeatures } from '../options/feature-options.ts';
import { addImageOptions, type ImageOptions, imageOptions } from '../options/image-options.ts';
import { wholeNumber } from '../options/options.ts';
import { count, percent, table } from '../show/table.ts';
import { withProgress } from '../show/with-progress.ts';

interface Options extends ImageOptions {
  trainImages: string;
  testImages: string;
  seed: string;
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
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ beyond-masking knn runs/cifar10-micro-masked-zoomed-in-quick
  $ beyond-masking knn runs/mine --data classes:/data/flowers --train-images 0 --test-images 0
  $ beyond-masking knn vit-base.safetensors --data classes:/data/imagenet/train --test classes:/data/imagenet/val

It is a report: numbers to compare, with those of random weights and of raw pixels beside them.`,
    )
    .action(async (model: string, options: Options) => {
      const report = await withProgress(
        async (progress) =>
          knn(model, {
            ...(await imageOptions(options)),
            ...progress,
            trainImages: wholeNumber('--train-images', options.trainImages),
            testImages: wholeNumber('--test-images', options.testImages),
            seed: wholeNumber('--seed', options.seed),
          }),
        keptFeatures(options),
      );
      if (!report) return;
      if (options.json) {
        console.log(JSON.stringify(report, null, 2));
        return;
      }
      const row = (name: string, scores: Record<string, number>) => [
        name,
        ...NEIGHBOURS.map((k) => percent(scores[`knn${k}`]!)),
      ];
      console.log(
        table([
          ['kNN top-1', ...NEIGHBOURS.map((k) => `k ${k}`)],
          row('features of the model', report.features),
          row('features of random weights', report.random),
          row('raw pixels', report.pixels),
        ]),
      );
      console.log(`\n${count(report.train)} images vote on ${count(report.test)}`);
    });
}
