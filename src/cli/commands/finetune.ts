import { Command } from 'commander';
import { quickFinetuneVariant } from '../../config/finetune-recipes.ts';
import { finetuneSchema } from '../../config/finetune-schema.ts';
import { mergeSettings } from '../../config/merge.ts';
import { finetune } from '../../finetune.ts';
import { finetuning } from '../../run/kinds/finetune.ts';
import { finetuneShorthands } from '../options/finetune-command.ts';
import { givenSettings } from '../options/shorthands.ts';
import { partsOf } from '../options/task-file.ts';
import { addTrainingOptions, type RunFlags, runOutput } from '../options/training-options.ts';
import { FinetuneReport } from '../show/finetune-report.ts';
import { watchRun } from '../show/watch-run.ts';

export function finetuneCommand(): Command {
  const command = new Command('finetune').description(
    'train a classifier on a pre-trained encoder, or from scratch',
  );
  return addTrainingOptions(command, finetuneSchema, finetuneShorthands, 'finetune-settings')
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

async function run(options: RunFlags): Promise<void> {
  const { recipe, output } = await runOutput(options, finetuning, quickFinetuneVariant, 'finetune');
  const settings = mergeSettings(
    ...(recipe ? [{ recipe }] : []),
    givenSettings(options, finetuneShorthands, finetuneSchema),
  );
  const parts = await partsOf(options);
  await watchRun(new FinetuneReport(output, options), options.tensorboard, (watched) =>
    finetune(settings, { output, resume: options.resume !== undefined, parts, ...watched }),
  );
}
