import { Command } from 'commander';
import { openDataset } from '../../data/sources/open.ts';
import { type PackProgress, packImages } from '../../data/sources/pack.ts';
import type { OpenProgress } from '../../data/sources/scheme.ts';
import { requireOutputFolder } from '../../run/output.ts';
import { plural } from '../../text/plural.ts';
import { UsageError } from '../errors.ts';
import { reportBroken, wholeNumber } from '../options/options.ts';
import { fetching } from '../show/fetching.ts';
import { duration, percent } from '../show/table.ts';
import { stoppable } from '../show/with-progress.ts';

interface Options {
  output: string;
  resize: string;
  channels: string;
  range?: string;
}

export function packCommand(): Command {
  return new Command('pack')
    .description('decode and shrink images once, so that training reads them without decoding')
    .argument('<source>', 'images')
    .requiredOption('--output <folder>', 'where the pack goes')
    .option(
      '--resize <pixels>',
      'shrink the shorter side of larger images to this number of pixels (0: never)',
      '320',
    )
    .option('--channels <n>', 'channels of the model: 3 (or 1), or the number of bands of the files', '3')
    .option(
      '--range <low,high>',
      "samples of TIFF files and 16-bit PNGs that mean 0 and 1 (default: their type's)",
    )
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking data pack classes:~/flowers --output ~/flowers-320
  $ npx beyond-masking pretrain --recipe imagenet-base-masked-zoomed-in --data packed:~/flowers-320

A pack of 320 pixels takes about 0.4 MB an image. After Ctrl-C the same command continues.`,
    )
    .action(async (source: string, { output, resize, ...given }: Options) => {
      await requireOutputFolder(output);
      const side = wholeNumber('--resize', resize);
      const channels = wholeNumber('--channels', given.channels, 1);
      const range = given.range === undefined ? undefined : interval('--range', given.range);
      const broken = reportBroken();
      const result = await stoppable(async (bar, signal) => {
        const fetched = (progress: OpenProgress) => bar.update(...fetching(progress));
        const images = await openDataset(source, {
          onProgress: fetched,
          onNote: (message) => bar.line(message, process.stderr),
          signal,
        });
        const start = performance.now();
        const onProgress = (progress: PackProgress) => bar.update(...packing(progress, start));
        return packImages(images, output, {
          ...{ resize: side, channels, range, broken, onProgress, signal },
          onDigest: fetched,
          onNote: (message) => bar.line(message, process.stderr),
        });
      }, 'the packed images were saved: run the same command again to continue');
      if (!result) return;
      const left = broken.reasons.size > 0 ? `, ${plural(broken.reasons.size, 'broken one')} left out` : '';
      const size = `${plural(result.images, 'image')}, ${(result.bytes / 1e9).toFixed(2)} GB${left}`;
      console.log(`${output} ${result.existed ? 'held these images already' : 'is complete'}: ${size}`);
      console.log(`use it with --data packed:${output}`);
    });
}

/** Two numbers, the smaller one first. Throws UsageError for other text. */
function interval(option: string, text: string): [number, number] {
  const [low = Number.NaN, high = Number.NaN, ...more] = text.split(',').map(Number);
  if (low < high && Number.isFinite(high - low) && more.length === 0) return [low, high];
  throw new UsageError(`${option} must be two numbers, the smaller one first, as 0,10000, got "${text}"`);
}

/** How far packing has come, for a progress bar: share and text. */
function packing({ done, total, resumed }: PackProgress, start: number): [share: number, text: string] {
  const share = done / total;
  const rate = (done - resumed) / ((performance.now() - start) / 1000);
  const left = duration((total - done) / rate);
  return [
    share,
    `packing ${percent(share)}  ${plural(done, 'image')}, ${rate.toFixed(0)} a second, ${left} left`,
  ];
}
