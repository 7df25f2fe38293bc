import { Command } from 'commander';
import { quickFinetuneVariant } from '../../config/finetune-recipes.ts';
import { finetuneSchema } from '../../config/finetune-schema.ts';
import { mergeSettings } from '../../config/merge.ts';
import { labelledSource, testedSource } from '../../data/sources/table.ts';
import { finetune } from '../../finetune.ts';
import { finetuning } from '../../run/kinds/finetune.ts';
import { engineOption, tensorboardOption } from '../options/options.ts';
import { collect, givenSettings, type RunFlags, runOutput } from '../options/run-flags.ts';
import { FinetuneReport } from '../show/finetune-report.ts';
import { watchRun } from '../show/watch-run.ts';

/** Options that are short for a setting. */
const shorthands = {
  from: 'from',
  data: 'data.source',
  test: 'data.test',
  labels: 'data.labels',
  heads: 'model.heads',
  epochs: 'training.epochs',
  maxSteps: 'training.maxSteps',
  batchSize: 'training.batchSize',
  seed: 'seed',
  saveEvery: 'checkpoints.every',
  engine: 'engine.name',
  precision: 'engine.precision',
} as const;

type Options = Partial<Record<keyof typeof shorthands, string>> & RunFlags;

export function finetuneCommand(): Command {
  return new Command('finetune')
    .description('train a classifier on a pre-trained encoder, or from scratch')
    .option(
      '--from <model>',
      'start with these weights: the folder of a run, a checkpoint, or a weights file',
    )
    .option('--recipe <name>', 'named settings to start from, see `list recipes`; others override them')
    .option('--quick', "the recipe's variant of a few minutes")
    .option('--data <source>', `images to train on: ${labelledSource}`)
    .option(
      '--test <source>',
      `images to evaluate on (default: the test set of ${testedSource}, else a share of --data)`,
    )
    .option('--labels <share>', 'share of the training images of each class to use, e.g. 0.01')
    .option('--heads <n>', 'attention heads of --from, where its file does not tell them')
    .option('--output <folder>', 'folder of the run (default: runs/<recipe>)')
    .option('--epochs <n>', 'passes over the images')
    .option('--max-steps <n>', 'stop after so many updates')
    .option('--batch-size <n>', 'images of one update')
    .option('--seed <n>', 'everything random follows from it')
    .option('--save-every <steps>', 'steps from one checkpoint to the next')
    .option(
      '--resume [folder]',
      'go on with the run in FOLDER; without FOLDER, with the one in --output, if there is one',
    )
    .addOption(engineOption())
    .option('--precision <type>', 'of products: f32, bf16 or auto (bf16 on accelerators)')
    .option(
      '--set <key.path=value>',
      'any setting, see `list finetune-settings`; may be repeated',
      collect,
      [],
    )
    .addOption(tensorboardOption())
    .option('--json', 'print one JSON object a line')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking finetune --from runs/cifar10-micro-masked-zoomed-in-quick --recipe cifar10-micro-finetune --quick
  $ npx beyond-masking finetune --recipe cifar10-micro-finetune --quick --output runs/scratch     the same, from scratch
  $ npx beyond-masking finetune --from mae_pretrain_vit_base.pth --recipe imagenet-base-finetune \\
      --data classes:/data/imagenet/train --test classes:/data/imagenet/val
  $ npx beyond-masking finetune --from runs/mae --data classes:~/flowers --labels 0.1 --epochs 50 --output runs/flowers
  $ npx beyond-masking finetune --resume runs/flowers

Sizes of the model, normalisation and, unless said otherwise, the size of images are those of the weights.
Ctrl-C saves a checkpoint and stops; a second one stops at once.`,
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { recipe, output } = await runOutput(options, finetuning, quickFinetuneVariant, 'finetune');
  const settings = mergeSettings(
    ...(recipe ? [{ recipe }] : []),
    givenSettings(options, shorthands, finetuneSchema),
  );
  await watchRun(new FinetuneReport(output, options.json ?? false), options.tensorboard, (watched) =>
    finetune(settings, { output, resume: options.resume !== undefined, ...watched }),
  );
}
