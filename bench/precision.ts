/**
 * Losses of pre-training in bfloat16 next to float32, on the xla engine: the recipe of CIFAR-10 for some steps, once per
 * precision, with the same weights, images and draws.
 *
 *   npm run bench -- precision
 *   npm run bench -- precision --steps 2000 --set model.width=192,model.depth=12 --recipe cifar10-micro-masked-zoomed-in
 *
 * Flags keep every rounding: XLA may otherwise skip some, and its CPU programs would skip most.
 * Prints the largest relative difference of a step's loss, the same of the mean over the last tenth, and some losses.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mergeConfig, parseOverride } from '#dist/config/overrides.js';
import { openFoundXla } from '#dist/engines/xla/open-found.js';
import { cacheFolder } from '#dist/io/cache-folder.js';
import { pretrain } from '#dist/pretrain.js';

const { values: args } = parseArgs({
  options: {
    recipe: { type: 'string', default: 'cifar10-micro-masked' },
    steps: { type: 'string', default: '500' },
    batch: { type: 'string', default: '32' },
    /** Settings over the recipe's, `key.path=value,...`. */
    set: {
      type: 'string',
      default:
        'model.width=64,model.depth=4,model.heads=2,training.warmupEpochs=0.1,training.learningRate=2e-3',
    },
  },
});
const steps = Number(args.steps);
const variants = {
  float32: { precision: 'f32' },
  bfloat16: { precision: 'bf16' },
  'bfloat16, gradients too': { precision: 'bf16', gradients: 'bf16' },
} as const;
const losses: Record<string, number[]> = {};
for (const [name, engine] of Object.entries(variants)) losses[name] = await train(name, engine);
const [truth] = Object.values(losses) as [number[]];
const marks = [1, 10, 100, 200, 500, 1000, 2000].filter((step) => step <= steps);
console.log(
  `| precision | farthest from float32 in a step | mean of the last tenth | ${marks.map((step) => `step ${step}`).join(' | ')} |`,
);
console.log(`| --- | --- | --- |${marks.map(() => ' --- |').join('')}`);
for (const [name, each] of Object.entries(losses)) {
  const apart = Math.max(...each.map((loss, i) => Math.abs(loss / truth[i]! - 1)));
  const late = (of: number[]) => mean(of.slice(-Math.ceil(steps / 10)));
  const along = marks.map((step) => each[step - 1]!.toFixed(4));
  console.log(
    `| ${name} | ${percent(apart)} | ${late(each).toFixed(4)} (${percent(late(each) / late(truth) - 1)}) | ${along.join(' | ')} |`,
  );
}

/** Trains and returns the losses of all steps. */
async function train(name: string, variant: (typeof variants)[keyof typeof variants]): Promise<number[]> {
  const output = mkdtempSync(join(tmpdir(), 'precision-'));
  const seen: number[] = [];
  try {
    const ours = {
      recipe: args.recipe,
      training: { batchSize: Number(args.batch), maxSteps: steps },
      evaluation: { heldOutImages: 0, knnEvery: 0, reconstructions: 0 },
    } as const;
    const engine = await openFoundXla({
      places: { cache: join(cacheFolder(), 'pjrt') },
      cache: join(cacheFolder(), 'xla'),
      flags: { xla_allow_excess_precision: false },
      ...variant,
    });
    await pretrain(mergeConfig(ours, ...args.set.split(',').map(parseOverride)), {
      output,
      engine,
      onEvent: (event) => {
        if (event.type === 'start') console.error(`${name}: ${event.engine}`);
        if (event.type === 'step') seen.push(event.row.loss!);
      },
    });
  } finally {
    rmSync(output, { recursive: true });
  }
  return seen;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2)} %`;
}
