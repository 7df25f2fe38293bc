import { Command } from 'commander';
import { quickDetectVariant } from '../../config/detect-recipes.ts';
import { detectSchema } from '../../config/detect-schema.ts';
import { mergeSettings } from '../../config/merge.ts';
import { trainDetector } from '../../detect.ts';
import { detecting } from '../../run/kinds/detect.ts';
import { detectShorthands } from '../options/detect-command.ts';
import { givenSettings } from '../options/shorthands.ts';
import { partsOf } from '../options/task-file.ts';
import { addTrainingOptions, type RunFlags, runOutput } from '../options/training-options.ts';
import { DetectReport } from '../show/detect-report.ts';
import { watchRun } from '../show/watch-run.ts';

export function detectCommand(): Command {
  const command = new Command('detect').description(
    'train a model that finds objects, with boxes and masks, on a pre-trained encoder, or from scratch',
  );
  return addTrainingOptions(command, detectSchema, detectShorthands, 'detect-settings')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking data shapes --output shapes
  $ npx beyond-masking detect --recipe shapes-micro-mask-rcnn --quick --data boxes:shapes     from scratch
  $ npx beyond-masking detect --recipe shapes-micro-mask-rcnn --quick --data boxes:shapes \\
      --from runs/cifar10-micro-masked-zoomed-in-quick
  $ npx beyond-masking detect --recipe coco-base-vitdet --data boxes:/data/coco \\
      --from mae_pretrain_vit_base.pth
  $ npx beyond-masking detect --resume runs/shapes-micro-mask-rcnn-quick

All annotations are looked at before the first step: their content is printed, and annotations that cannot be learned from are refused.
Sizes of the encoder and normalisation are those of the weights; the size of images is the recipe's.
Ctrl-C saves a checkpoint and stops; a second one stops at once.`,
    )
    .action(run);
}

async function run(options: RunFlags): Promise<void> {
  const { recipe, output } = await runOutput(options, detecting, quickDetectVariant, 'detect');
  const settings = mergeSettings(
    ...(recipe ? [{ recipe }] : []),
    givenSettings(options, detectShorthands, detectSchema),
  );
  const parts = await partsOf(options);
  await watchRun(new DetectReport(output, options), options.tensorboard, (watched) =>
    trainDetector(settings, { output, resume: options.resume !== undefined, parts, ...watched }),
  );
}
