import { Command, Option } from 'commander';
import { type BenchOptions, type BenchResult, bench } from '../../bench/bench.ts';
import { type BenchDetector, benchDetectors } from '../../bench/detect-step.ts';
import { type BenchHead, benchHeads } from '../../bench/step.ts';
import type { EngineInput } from '../../config/engine.ts';
import type { Timing } from '../../engines/timing.ts';
import { engineOption, tellNote, wholeNumber } from '../options/options.ts';
import { collect } from '../options/shorthands.ts';
import { percent, table } from '../show/table.ts';
import { withProgress } from '../show/with-progress.ts';

interface Options {
  model?: string;
  task: string;
  finetune?: boolean;
  segment?: BenchHead;
  detect?: BenchDetector;
  image?: string;
  batch?: string;
  steps: string;
  engine: string;
  precision: string;
  threads: string;
  compare: string[];
  modes: string;
  json?: boolean;
}

export function benchCommand(): Command {
  return new Command('bench')
    .description('measure a training step: rate, memory, where its time goes')
    .option('--model <name>', 'size of the model; default: base')
    .option(
      '--task <names>',
      'pretext tasks or variants (masked-cross), with commas between them; they take turns',
      'masked',
    )
    .option('--finetune', 'a fine-tuning step with 1000 classes, in place of pretext tasks')
    .addOption(
      new Option(
        '--segment <head>',
        'a step of semantic segmentation with 19 classes, in place of pretext tasks',
      ).choices(benchHeads),
    )
    .addOption(
      new Option(
        '--detect <images>',
        'a step of detection by the recipe IMAGES-micro-mask-rcnn, in place of pretext tasks',
      )
        .choices(benchDetectors)
        .conflicts(['model', 'image', 'segment', 'finetune']),
    )
    .option('--image <pixels>', "side of the images; default: the model's")
    .option('--batch <n>', "images of a step; default: 32; of detection the recipe's")
    .option('--steps <n>', 'steps that count, after three that do not', '5')
    .addOption(engineOption('engine', 'auto'))
    .option('--precision <type>', 'of matrix products: auto, f32 or bf16', 'auto')
    .option('--threads <n>', "the engine's threads; 0: one for each core", '0')
    .option(
      '--compare <python>',
      'measure PyTorch beside it, on the same weights and images (in a checkout of the repository); may be repeated',
      collect,
      [],
    )
    .option('--modes <names>', 'how PyTorch runs: eager, compile', 'eager,compile')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Times are medians. The rate of the products alone is that of the step's matrix products and convolutions, by their least
times in three more steps, which the engine's profiler watches; their share is that of the step's least time. Before
PyTorch's times count, its losses must agree with ours.

Examples:
  $ npx beyond-masking bench
  $ npx beyond-masking bench --model micro --batch 256 --engine onnx
  $ npx beyond-masking bench --model micro --batch 256 --task masked,masked-cross,masked-linear
  $ npx beyond-masking bench --engine onednn --precision bf16 --compare python3
  $ npx beyond-masking bench --model small --finetune --json
  $ npx beyond-masking bench --model small --segment upernet --image 512 --batch 4
  $ npx beyond-masking bench --detect shapes --engine onednn`,
    )
    .action(async (options: Options) => {
      const given = benchOptions(options);
      const result = await withProgress(
        (watched) => bench({ ...given, ...watched, onNote: tellNote }),
        'nothing is kept',
      );
      if (!result) return;
      console.log(options.json ? JSON.stringify(result, null, 2) : describe(result));
    });
}

function benchOptions(options: Options): BenchOptions {
  const { model, task, finetune = false, segment, detect, image, batch, compare, modes } = options;
  return {
    ...(model !== undefined && { model }),
    tasks: task.split(',').map((name) => name.trim()),
    finetune,
    segment,
    detect,
    image: image === undefined ? undefined : wholeNumber('--image', image, 1),
    batch: batch === undefined ? undefined : wholeNumber('--batch', batch, 1),
    steps: wholeNumber('--steps', options.steps, 1),
    engine: {
      name: options.engine,
      precision: options.precision,
      threads: wholeNumber('--threads', options.threads),
    } as EngineInput,
    compare,
    modes,
  };
}

function describe(result: BenchResult): string {
  const { rows, share, productGflops, peers, slowest, loaderImagesPerSecond } = result;
  const lines = [
    result.machine,
    `${result.engine}; model ${result.model}, batch ${result.batch}`,
    '',
    table([
      ['task', 'step', 'least to most', 'img/s', 'GFLOP/s', rows.length > 1 ? 'time to the first' : ''],
      ...rows.map(({ task, stepSeconds, timeToFirst, spread, imagesPerSecond, gflops }) => [
        task,
        `${stepSeconds.toFixed(3)} s`,
        `${spread.map((x) => x.toFixed(3)).join(' to ')} s`,
        imagesPerSecond.toFixed(imagesPerSecond < 100 ? 2 : 0),
        gflops.toFixed(0),
        rows.length > 1 ? `${timeToFirst.toFixed(3)} ×` : '',
      ]),
    ]),
    '',
    ...(share === undefined
      ? []
      : [`products alone  ${productGflops!.toFixed(0)} GFLOP/s: ${percent(share)} of the step's least time`]),
    ...(rows[0]!.hostShare === undefined
      ? []
      : [`host            ${percent(rows[0]!.hostShare)} of a step: boxes to learn from are chosen`]),
    `peak memory     ${result.peakGB.toFixed(2)} GB`,
    `first step      ${result.firstStepExtra.toFixed(2)} s beyond a later one`,
    `loader          ${loaderImagesPerSecond === undefined ? 'not measured: CIFAR-10 is not in the cache' : `${loaderImagesPerSecond.toFixed(0)} img/s of CIFAR-10`}`,
  ];
  for (const { name, stepSeconds, peakGB, apart, ratio } of peers)
    lines.push(
      `${name}: ${stepSeconds.toFixed(3)} s, peak ${peakGB.toFixed(2)} GB, losses within ${apart.toExponential(0)}; ` +
        `ours is ${ratio.toFixed(2)} × as fast`,
    );
  if (slowest.length > 0)
    lines.push('', 'slowest operations of a step, least times', table(slowest.map(call)));
  return lines.join('\n');
}

function call({ name, calls, milliseconds, flops }: Timing): string[] {
  const rate = flops > 0 ? `${(flops / milliseconds / 1e6).toFixed(0)} GFLOP/s` : '';
  return [`${milliseconds.toFixed(1).padStart(8)} ms`, `${calls} ×`, name, rate];
}
