import { Command } from 'commander';
import { linprobeSchema } from '../../config/linprobe-schema.ts';
import { linprobe } from '../../evaluate/probe/linprobe.ts';
import { UsageError } from '../errors.ts';
import {
  addFeatureOptions,
  type FeatureOptions,
  featureOptions,
  keptFeatures,
} from '../options/feature-options.ts';
import { addSourceOptions } from '../options/image-options.ts';
import { tellNote, tensorboardOption, withTensorboard } from '../options/options.ts';
import { collect, givenSettings } from '../options/run-flags.ts';
import { count, percent, table } from '../show/table.ts';
import { withProgress } from '../show/with-progress.ts';

/** Options that are short for a setting. */
const shorthands = {
  data: 'data',
  test: 'test',
  heldOut: 'heldOut',
  pooling: 'pooling',
  optimizer: 'optimizer',
  rates: 'learningRates',
  epochs: 'epochs',
  batchSize: 'batchSize',
  seed: 'seed',
} as const;

type Options = FeatureOptions &
  Partial<Record<keyof typeof shorthands, string>> & {
    output?: string;
    set: string[];
    tensorboard?: boolean;
    json?: boolean;
  };

export function linprobeCommand(): Command {
  const command = new Command('linprobe')
    .description('judge features by a linear classifier on them')
    .argument('<model>', 'a file of weights, or the folder of a run');
  addSourceOptions(command)
    .option('--optimizer <name>', 'lars (as MAE) or sgd')
    .option('--rates <list>', 'learning rates for a batch of 256, tried side by side: 0.1,0.3,1')
    .option('--epochs <n>', 'passes over the training images (default: 90)')
    .option('--batch-size <n>', "images of one update (default: a 16th of the images, up to MAE's 16,384)")
    .option('--seed <n>', 'everything random follows from it')
    .option('--output <folder>', 'folder for settings, metrics and the probe as a classifier');
  return addFeatureOptions(command)
    .option(
      '--set <key=value>',
      'any setting, such as warmupEpochs or chooseOn; may be repeated',
      collect,
      [],
    )
    .addOption(tensorboardOption())
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ beyond-masking linprobe runs/cifar10-micro-masked-zoomed-in-quick --output runs/probe
  $ beyond-masking linprobe runs/mine --data classes:/data/flowers --rates 0.1
  $ beyond-masking linprobe vit-base.safetensors --data classes:/data/imagenet/train --test classes:/data/imagenet/val

Features of central crops are computed once and kept on the disk (see \`cache\`); training on them takes seconds, so an
interrupted probe is simply begun again. The learning rate is chosen on a tenth of the training images, never on the test
images. The probe in --output serves predict and export.`,
    )
    .action(run);
}

async function run(model: string, options: Options): Promise<void> {
  if (options.tensorboard && options.output === undefined)
    throw new UsageError('--tensorboard writes into the folder of --output, got no --output');
  const settings = givenSettings(options, shorthands, linprobeSchema);
  const { pooling: _, ...features } = await featureOptions(options);
  const onEvent = withTensorboard(options.tensorboard, (event) => {
    if (event.type === 'note') tellNote(event.message);
  });
  const result = await withProgress(
    (progress) => linprobe(model, { settings, ...features, ...progress, output: options.output, onEvent }),
    keptFeatures(options),
  );
  if (!result) return;
  if (options.json) {
    console.log(JSON.stringify(result, null, 2));
    return;
  }
  const { top1, top5, rates, best, train, test, batchSize, checkpoint } = result;
  if (rates.length > 0)
    console.log(
      `${table([
        ['learning rate', 'top-1 on held-out training images'],
        ...rates.map(({ learningRate, heldOutTop1 }) => [
          `${learningRate}${learningRate === best ? ' *' : ''}`,
          percent(heldOutTop1),
        ]),
      ])}\n`,
    );
  console.log(`linear probe: top-1 ${percent(top1)}, top-5 ${percent(top5)} on ${count(test)} test images`);
  console.log(`trained on ${count(train)} images, batches of ${count(batchSize)}, learning rate ${best}`);
  if (checkpoint) console.log(`\n${checkpoint}`);
}
