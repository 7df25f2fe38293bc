import { Command } from 'commander';
import { linprobeSchema, parseProbeRun } from '../../config/linprobe-schema.ts';
import { fewImages, scoreText } from '../../evaluate/interval.ts';
import { type LinprobeResult, linprobe } from '../../evaluate/probe/linprobe.ts';
import { readConfig, runFolder } from '../../run/folder.ts';
import { linearProbe } from '../../run/kinds/linprobe.ts';
import { plural } from '../../text/plural.ts';
import { UsageError } from '../errors.ts';
import {
  addFeatureOptions,
  type FeatureOptions,
  featureOptions,
  keptFeatures,
} from '../options/feature-options.ts';
import { addSourceOptions } from '../options/image-options.ts';
import { tellNote, tensorboardOption, withTensorboard } from '../options/options.ts';
import { addSetting, addShorthands, givenSettings, type Shorthands } from '../options/shorthands.ts';
import { count, table } from '../show/table.ts';
import { withProgress } from '../show/with-progress.ts';

/** Options that are short for a setting. */
const shorthands = {
  '--optimizer <name>': 'optimizer',
  '--rates <list>': 'learningRates',
  '--epochs <n>': 'epochs',
  '--batch-size <n>': 'batchSize',
  '--seed <n>': 'seed',
} as const satisfies Shorthands;

/** The same among the options of every judge. */
const judging = {
  '--data <source>': 'data',
  '--test <source>': 'test',
  '--held-out <share>': 'heldOut',
} as const satisfies Shorthands;

type Options = FeatureOptions & {
  output?: string;
  resume?: string;
  set: string[];
  tensorboard?: boolean;
  json?: boolean;
};

export function linprobeCommand(): Command {
  const command = new Command('linprobe')
    .description('judge features by a linear classifier on them')
    .argument('[model]', 'a file of weights, or the folder of a run; not with --resume');
  addShorthands(addSourceOptions(command), linprobeSchema, shorthands, true)
    .option('--output <folder>', 'folder for settings, metrics and the probe as a classifier')
    .option('--resume <folder>', 'resume the interrupted probe in FOLDER, with its settings');
  return addSetting(addFeatureOptions(command), 'any setting, see `list linprobe-settings`; may be repeated')
    .addOption(tensorboardOption())
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking linprobe runs/cifar10-micro-masked-zoomed-in-quick --output runs/probe
  $ npx beyond-masking linprobe runs/mine --data classes:/data/flowers --rates 0.1
  $ npx beyond-masking linprobe --resume runs/probe
  $ npx beyond-masking linprobe vit-base.safetensors --data classes:/data/imagenet/train --test classes:/data/imagenet/val

Features of central crops are computed once and kept on the disk (see \`cache\`). Ctrl-C keeps what was computed: a probe with --output
continues with the same command, or with --resume. The learning rate is chosen on a tenth of the training images, never on the test
images. Fewer than 1000 images without --test or --held-out are judged by cross-validation. The probe in --output serves predict and export.`,
    )
    .action(run);
}

async function run(given: string | undefined, options: Options): Promise<void> {
  const { model, output, settings } = await meant(given, options);
  if (options.tensorboard && output === undefined)
    throw new UsageError('--tensorboard writes into the folder of --output, got no --output');
  const { pooling, ...features } = await featureOptions(options);
  const onEvent = withTensorboard(options.tensorboard, (event) => {
    if (event.type === 'note') tellNote(event.message);
  });
  const kept = output === undefined ? 'features are kept; with --output, training is too' : undefined;
  const result = await withProgress(
    (progress) =>
      linprobe(model, {
        settings: { ...settings, ...(pooling && { pooling }) },
        ...features,
        ...progress,
        output,
        onEvent,
      }),
    keptFeatures(options) ?? kept,
  );
  if (!result) return;
  if (options.json) {
    console.log(JSON.stringify(result, null, 2));
    return;
  }
  console.log(describe(result));
  if (result.checkpoint) console.log(`\n${result.checkpoint}`);
}

/** The model, the folder and the settings that are meant. Throws UsageError for options that contradict each other. */
async function meant(model: string | undefined, { output, resume, ...options }: Options) {
  const settings = givenSettings(options, { ...judging, ...shorthands }, linprobeSchema);
  if (resume === undefined) {
    if (model === undefined) throw new UsageError('linprobe needs a model, or --resume FOLDER, got neither');
    return { model, output, settings };
  }
  if (model !== undefined || (output ?? resume) !== resume)
    throw new UsageError(
      `--resume names the folder, which names the model, got ${model ?? `--output ${output}`} too`,
    );
  const before = await readConfig(runFolder(resume), { name: linearProbe.name, parse: parseProbeRun });
  return { model: before.from, output: resume, settings: { ...before.settings, ...settings } };
}

function describe({ top1, top5, folds, rates, best, train, test, batchSize }: LinprobeResult): string {
  const tried = table([
    ['learning rate', 'top-1 on held-out training images'],
    ...rates.map(({ learningRate, heldOutTop1, images }) => [
      `${learningRate}${learningRate === best ? ' *' : ''}`,
      scoreText(heldOutTop1, images),
    ]),
  ]);
  const scores = [['top-1', top1] as const, ['top-5', top5] as const].flatMap(([name, share]) =>
    share === undefined ? [] : [`${name} ${scoreText(share, test)}`],
  );
  const on = folds
    ? `on ${plural(test, 'image')}, by cross-validation in ${plural(folds, 'part')}`
    : `on ${plural(test, 'test image')}`;
  return [
    ...(rates.length > 0 ? [tried, ''] : []),
    `linear probe: ${scores.join(', ')} ${on}`,
    `trained on ${plural(train, 'image')}, batches of ${count(batchSize)}, learning rate ${best}`,
    fewImages(test),
  ]
    .filter((line) => line !== undefined)
    .join('\n');
}
