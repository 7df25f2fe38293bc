import { Command } from 'commander';
import { mergeConfig } from '../../config/overrides.ts';
import { quickVariant } from '../../config/recipes.ts';
import { configSchema } from '../../config/schema.ts';
import { anySource } from '../../data/sources/table.ts';
import { pretrain } from '../../pretrain.ts';
import { pretraining } from '../../run/kinds/pretrain.ts';
import { engineOption, tensorboardOption } from '../options/options.ts';
import { collect, givenSettings, type RunFlags, runOutput } from '../options/run-flags.ts';
import { PretrainReport } from '../show/pretrain-report.ts';
import { watchRun } from '../show/watch-run.ts';

/** Options that are short for a setting. */
const shorthands = {
  initFrom: 'from',
  data: 'data.source',
  epochs: 'training.epochs',
  maxSteps: 'training.maxSteps',
  batchSize: 'training.batchSize',
  seed: 'seed',
  saveEvery: 'checkpoints.every',
  knnEvery: 'evaluation.knnEvery',
  engine: 'engine.name',
  precision: 'engine.precision',
} as const;

type Options = Partial<Record<keyof typeof shorthands, string>> & RunFlags;

export function pretrainCommand(): Command {
  return new Command('pretrain')
    .description('pre-train a model by recovering degraded images')
    .option('--recipe <name>', 'named settings to start from, see `list recipes`; others override them')
    .option('--quick', "the recipe's variant of a few minutes")
    .option('--data <source>', `images: ${anySource}`)
    .option('--output <folder>', 'folder of the run (default: runs/<recipe>)')
    .option('--epochs <n>', 'passes over the images')
    .option('--max-steps <n>', 'stop after so many updates')
    .option('--batch-size <n>', 'images of one update')
    .option('--seed <n>', 'everything random follows from it')
    .option('--save-every <steps>', 'steps from one checkpoint to the next')
    .option(
      '--knn-every <epochs>',
      'epochs from one report of kNN and linear probe to the next (needs classes)',
    )
    .option(
      '--resume [folder]',
      'go on with the run in FOLDER; without FOLDER, with the one in --output, if there is one',
    )
    .option(
      '--init-from <model>',
      'start with weights: a checkpoint, or a model of timm, MAE or Hugging Face',
    )
    .addOption(engineOption())
    .option('--precision <type>', 'of products: f32, bf16 or auto (bf16 on accelerators)')
    .option('--set <key.path=value>', 'any setting, see `list settings`; may be repeated', collect, [])
    .addOption(tensorboardOption())
    .option('--json', 'print one JSON object a line')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking pretrain --recipe cifar10-micro-masked-zoomed-in --quick
  $ npx beyond-masking pretrain --recipe imagenet-base-masked --data /data/imagenet/train --output runs/mae
  $ npx beyond-masking pretrain --recipe cifar10-micro-blurred --data ~/photos --epochs 20 --set data.heldOut=0.1
  $ npx beyond-masking pretrain --resume runs/mae --epochs 400

Ctrl-C saves a checkpoint and stops; a second one stops at once.`,
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { recipe, output } = await runOutput(options, pretraining, quickVariant, 'custom');
  const settings = mergeConfig(
    ...(recipe ? [{ recipe }] : []),
    givenSettings(options, shorthands, configSchema),
  );
  await watchRun(new PretrainReport(output, options.json ?? false), options.tensorboard, (watched) =>
    pretrain(settings, {
      output,
      resume: options.resume !== undefined,
      ...watched,
    }),
  );
}
