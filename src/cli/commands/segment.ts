import { Command } from 'commander';
import { mergeSettings } from '../../config/merge.ts';
import { quickSegmentVariant } from '../../config/segment-recipes.ts';
import { segmentSchema } from '../../config/segment-schema.ts';
import { segmenting } from '../../run/kinds/segment.ts';
import { trainSegmenter } from '../../segment.ts';
import { segmentShorthands } from '../options/segment-command.ts';
import { givenSettings } from '../options/shorthands.ts';
import { partsOf } from '../options/task-file.ts';
import { addTrainingOptions, type RunFlags, runOutput } from '../options/training-options.ts';
import { SegmentReport } from '../show/segment-report.ts';
import { watchRun } from '../show/watch-run.ts';

export function segmentCommand(): Command {
  const command = new Command('segment').description(
    'train a model that labels every pixel, on a pre-trained encoder, or from scratch',
  );
  return addTrainingOptions(command, segmentSchema, segmentShorthands, 'segment-settings')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking data shapes --output shapes
  $ npx beyond-masking segment --recipe shapes-micro-linear --quick --data masks:shapes     from scratch
  $ npx beyond-masking segment --recipe shapes-micro-upernet --quick --data masks:shapes \\
      --from runs/cifar10-micro-masked-zoomed-in-quick
  $ npx beyond-masking segment --recipe ade20k-base-upernet --data masks:/data/ADEChallengeData2016 \\
      --from mae_pretrain_vit_base.pth
  $ npx beyond-masking segment --resume runs/shapes-micro-linear-quick

All masks are read before the first step: what they hold is printed, and masks that cannot be learned from are refused.
Sizes of the model and normalisation are those of the weights; the size of images is the recipe's.
Ctrl-C saves a checkpoint and stops; a second one stops at once.`,
    )
    .action(run);
}

async function run(options: RunFlags): Promise<void> {
  const { recipe, output } = await runOutput(options, segmenting, quickSegmentVariant, 'segment');
  const settings = mergeSettings(
    ...(recipe ? [{ recipe }] : []),
    givenSettings(options, segmentShorthands, segmentSchema),
  );
  const parts = await partsOf(options);
  await watchRun(new SegmentReport(output, options), options.tensorboard, (watched) =>
    trainSegmenter(settings, { output, resume: options.resume !== undefined, parts, ...watched }),
  );
}
