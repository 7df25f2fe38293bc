import { Command } from 'commander';
import { openImages } from '../../data/sources/image-list.ts';
import { schemeOf } from '../../data/sources/open.ts';
import type { SourceScheme } from '../../data/sources/scheme.ts';
import { anySource, sources } from '../../data/sources/table.ts';
import { IMAGENET } from '../../image/normalise.ts';
import { checkedParts } from '../../parts/check.ts';
import { preview } from '../../preview.ts';
import { sample } from '../../run/data.ts';
import { PICTURE, requireOutputFile } from '../../run/output.ts';
import { maskNames } from '../../tasks/masks/table.ts';
import { task, taskNames } from '../../tasks/table.ts';
import { engineOption, optionalEngine, reportBroken, wholeNumber } from '../options/options.ts';
import { partsOf, type TaskFileOptions, taskFileOption } from '../options/task-file.ts';
import { whileFetching } from '../show/with-progress.ts';
import { writePicture } from '../show/write-picture.ts';

interface Options extends TaskFileOptions {
  output: string;
  tasks?: string;
  mask: string;
  size?: string;
  patch?: string;
  count: string;
  seed: string;
  engine: string;
}

/** Every degradation once, and the paper's best combination. */
const usual = taskNames.filter((name) => name === 'masked+zoomed-in' || !name.startsWith('masked+'));

export function previewCommand(): Command {
  return new Command('preview')
    .description('draw images as they are and as every task degrades them')
    .argument('[images...]', `image files, or sources: ${anySource}`, ['cifar10'])
    .option('--output <file>', 'picture to write', 'preview.png')
    .option(
      '--tasks <names>',
      `tasks, with commas between them (default: those of --task-file, else ${usual.join(',')})`,
    )
    .option('--mask <name>', `how masked tasks choose the tokens: ${maskNames.join(', ')}`, 'random')
    .option('--size <pixels>', `side of the images (default: 224${smallOnes(({ side }) => side)})`)
    .option(
      '--patch <pixels>',
      `side of the patches (default: the divisor of the size nearest to a fourteenth of it, as 16 of 224${smallOnes(({ patch }) => patch)})`,
    )
    .option('--count <n>', 'most images', '4')
    .option('--seed <n>', 'chooses images and draws', '0')
    .addOption(engineOption('engine', 'auto'))
    .addOption(taskFileOption())
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking preview
  $ npx beyond-masking preview cat.jpg dog.jpg --output degradations.png
  $ npx beyond-masking preview ~/photos --tasks masked,zoomed-in,masked+zoomed-in --count 8
  $ npx beyond-masking preview cifar10 --tasks masked,zoomed-in+blurred --mask green-noise`,
    )
    .action(async (names: string[], options: Options) => {
      await requireOutputFile(options.output, PICTURE);
      const small = names.length === 1 ? schemeOf(names[0]!).small : undefined;
      const seed = wholeNumber('--seed', options.seed);
      const side = wholeNumber('--size', options.size ?? `${small?.side ?? 224}`, 8);
      const patch =
        options.patch === undefined
          ? nearestDivisor(side, small?.patch ?? side / 14)
          : wholeNumber('--patch', options.patch, 1);
      const parts = await checkedParts(await partsOf(options));
      const own = parts.tasks?.map(({ name }) => name) ?? [];
      const wanted = options.tasks?.split(',') ?? (own.length > 0 ? own : usual);
      const chosen = wanted.map((name) => task(name.trim(), options.mask, parts));
      const count = wholeNumber('--count', options.count, 1);
      const all = await whileFetching((watched) =>
        openImages(names, { ...watched, ...(parts.sources && { sources: parts.sources }) }),
      );
      if (!all) return;
      const images = sample(all, count, seed, 'preview');
      const png = await preview(images, {
        ...IMAGENET,
        engine: (await optionalEngine(options.engine))!,
        tasks: chosen,
        geometry: { image: [side, side], patch, channels: 3 },
        seed,
        broken: reportBroken(),
      });
      await writePicture(options.output, png, names);
    });
}

/** For sources of small images. */
function smallOnes(of: (small: NonNullable<SourceScheme['small']>) => number): string {
  return sources.map(({ scheme, small }) => (small ? `; of ${scheme} ${of(small)}` : '')).join('');
}

/** The whole number that divides `n` and is nearest to `wanted`; the smaller one of two. */
export function nearestDivisor(n: number, wanted: number): number {
  const divisors = Array.from({ length: n }, (_, i) => i + 1).filter((each) => n % each === 0);
  return divisors.reduce((a, b) => (Math.abs(b - wanted) < Math.abs(a - wanted) ? b : a));
}
