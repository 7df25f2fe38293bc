import { Command } from 'commander';
import { mergeConfig } from '../../config/overrides.ts';
import { quickVariant } from '../../config/recipes.ts';
import { type ConfigInput, configSchema } from '../../config/schema.ts';
import { anySource } from '../../data/sources/table.ts';
import { pretrain } from '../../pretrain.ts';
import { pretraining } from '../../run/kinds/pretrain.ts';
import { advisedSettings } from '../options/advised.ts';
import { givenSettings, type Shorthands } from '../options/shorthands.ts';
import { partsOf } from '../options/task-file.ts';
import {
  addTrainingOptions,
  type RunFlags,
  runOutput,
  trainingShorthands,
} from '../options/training-options.ts';
import { PretrainReport } from '../show/pretrain-report.ts';
import { watchRun } from '../show/watch-run.ts';

const shorthands = {
  '--data <source>': ['data.source', `images: ${anySource}`],
  '--init-from <model>': [
    'from',
    'start with weights: a checkpoint, or a model of timm, MAE or Hugging Face',
  ],
  ...trainingShorthands,
  '--knn-every <epochs>': 'evaluation.knnEvery',
} as const satisfies Shorthands;

export function pretrainCommand(): Command {
  const command = new Command('pretrain').description('pre-train a model by recovering degraded images');
  return addTrainingOptions(command, configSchema, shorthands, 'settings')
    .option(
      '--budget <time>',
      'time for which settings are chosen where no recipe is named: 20m, 8h (default: 1h)',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking pretrain --recipe cifar10-micro-masked-zoomed-in --quick
  $ npx beyond-masking pretrain --data ~/photos --budget 2h
  $ npx beyond-masking pretrain --recipe imagenet-base-masked --data /data/imagenet/train --output runs/mae
  $ npx beyond-masking pretrain --recipe cifar10-micro-blurred --data ~/photos --epochs 20 --set data.heldOut=0.1
  $ npx beyond-masking pretrain --resume runs/mae --epochs 400
  $ npx beyond-masking pretrain --data ~/photos --task-file mine.mjs --set task.name=masked+mine --output runs/mine

Without a recipe, a new run takes settings that suit its images and this machine, and prints why (see \`advise\`). Given settings win;
where they spell out the model (model.width and model.depth), only --budget asks for advice. --recipe custom takes the defaults of
\`list settings\`.

Ctrl-C saves a checkpoint and stops; a second one stops at once.`,
    )
    .action(run);
}

async function run(options: RunFlags & { readonly budget?: string }): Promise<void> {
  const { recipe, output } = await runOutput(options, pretraining, quickVariant, 'custom');
  const given = givenSettings(options, shorthands, configSchema) as ConfigInput;
  const parts = await partsOf(options);
  const advised = await advisedSettings({ recipe, output, given, parts, options });
  if (!advised) return;
  const settings = mergeConfig(...(recipe ? [{ recipe }] : []), advised, given);
  await watchRun(new PretrainReport(output, options), options.tensorboard, (watched) =>
    pretrain(settings, {
      output,
      resume: options.resume !== undefined,
      parts,
      ...watched,
    }),
  );
}
