import { Command } from 'commander';
import { mergeConfig, parseOverride } from '../config/overrides.ts';
import { knn } from '../evaluate/knn-checkpoint.ts';
import { ProgressBar } from './progress-bar.ts';
import { count, percent, table } from './table.ts';

interface Options {
  data?: string;
  train?: string;
  test?: string;
  backend?: string;
  json?: boolean;
}

const shorthands = {
  data: 'data.source',
  train: 'evaluation.knnTrain',
  test: 'evaluation.knnTest',
  backend: 'engine.name',
} as const;

export function knnCommand(): Command {
  return new Command('knn')
    .description('judge features by a k-nearest-neighbour classifier (k 20, cosine, temperature 0.07)')
    .argument('<checkpoint>', 'a .safetensors file, or the folder of a run for its newest checkpoint')
    .option('--data <source>', 'images with classes: cifar10 or classes:FOLDER (default: those of the run)')
    .option('--train <n>', 'most images that vote (default: as in the settings, 10000)')
    .option('--test <n>', 'most images that are classified (default: as in the settings, 2000)')
    .option('--backend <name>', 'engine: onnx, wasm or reference')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ beyond-masking knn runs/cifar10-micro-masked-zoomed-in-quick
  $ beyond-masking knn runs/mine --data classes:/data/flowers --train 50000 --test 10000

It is a report: a number to compare, with that of random weights and of raw pixels beside it.`,
    )
    .action(async (checkpoint: string, options: Options) => {
      const overrides = Object.entries(shorthands).flatMap(([option, path]) => {
        const value = options[option as keyof typeof shorthands];
        return value === undefined ? [] : [parseOverride(`${path}=${value}`)];
      });
      const bar = new ProgressBar();
      const scores = await knn(checkpoint, {
        settings: mergeConfig(...overrides),
        onProgress: (what) => bar.update(0, what, true),
      }).finally(() => bar.clear());
      if (options.json) console.log(JSON.stringify(scores, null, 2));
      else {
        const rows = [
          ['features of the checkpoint', percent(scores.features)],
          ['features of random weights', percent(scores.random!)],
          ['raw pixels', percent(scores.pixels!)],
        ];
        console.log(table([['kNN', 'top-1'], ...rows]));
        console.log(`\n${count(scores.train)} images vote on ${count(scores.test)}`);
      }
    });
}
