import { Command } from 'commander';
import { countImages, verifyImages } from '../../data/sources/check-images.ts';
import { openDataset, schemeOf, verifySource } from '../../data/sources/open.ts';
import type { Verified } from '../../data/sources/scheme.ts';
import { anySource, sources } from '../../data/sources/table.ts';
import { oneLine } from '../../text/one-line.ts';
import { plural } from '../../text/plural.ts';
import { UsageError } from '../errors.ts';
import { ProgressBar } from '../show/progress-bar.ts';
import { count, percent, table } from '../show/table.ts';
import { whileFetching } from '../show/with-progress.ts';
import { packCommand } from './data-pack.ts';
import { shapesCommand } from './data-shapes.ts';

export function dataCommand(): Command {
  return new Command('data')
    .description('fetch, verify, count, pack and draw images')
    .addCommand(fetchCommand())
    .addCommand(verifyCommand())
    .addCommand(countCommand())
    .addCommand(packCommand())
    .addCommand(shapesCommand())
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking data fetch                    CIFAR-10, into the cache
  $ npx beyond-masking data verify ~/photos          reads every image, names the broken ones
  $ npx beyond-masking data count classes:~/flowers  images of each class
  $ npx beyond-masking data pack classes:~/flowers --output ~/flowers-320

A source is ${anySource}: see \`list sources\`.
Images are JPEG, PNG, WebP, GIF, TIFF or AVIF, of 134 million pixels at most: BEYOND_MASKING_MAX_PIXELS sets another
limit. BEYOND_MASKING_CACHE names another folder for fetched data.`,
    );
}

function fetchCommand(): Command {
  const fetched = sources.filter(({ fetch }) => fetch).map(({ scheme }) => scheme);
  return new Command('fetch')
    .description('fetch images into the cache, unless they are there')
    .argument('[source]', fetched.join(', '), 'cifar10')
    .option('--from <place>', 'of nuclei: another address of the archive, or a clone of its repository')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking data fetch
  $ npx beyond-masking data fetch nuclei`,
    )
    .action(async (name: string, { from }: { from?: string }) => {
      const { fetch } = schemeOf(name);
      if (!fetch)
        throw new UsageError(`the source must be one that is fetched, ${fetched.join(', ')}, got "${name}"`);
      const done = await whileFetching((options) => fetch({ ...options, from }));
      if (done !== undefined) console.log(done);
    });
}

function verifyCommand(): Command {
  return new Command('verify')
    .description('read every image, mask and annotation; exit code 1 when something is broken')
    .argument('[source]', 'images', 'cifar10')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking data verify
  $ npx beyond-masking data verify ~/photos
  $ npx beyond-masking data verify masks:~/nuclei   the values of the masks, their classes and shares
  $ npx beyond-masking data verify boxes:~/coco     the objects of each class, and annotations that cannot be used`,
    )
    .action(async (source: string) => {
      const opened = await whileFetching(async (options) => {
        const verified = await verifySource(source, options);
        return { verified, images: verified ? undefined : await openDataset(source, options) };
      });
      if (opened?.verified) return show(opened.verified);
      const images = opened?.images;
      if (!images) return;
      const bar = new ProgressBar();
      const broken = await verifyImages(images, (done, all) =>
        bar.update(done / all, `reading images ${percent(done / all)}`),
      ).finally(() => bar.clear());
      for (const [id, reason] of broken) console.log(`broken: ${oneLine(id)}: ${reason}`);
      console.log(`${plural(images.length, 'image')}, ${count(broken.size)} of them broken`);
      if (broken.size > 0) process.exitCode = 1;
    });
}

function show({ lines: [first, ...others], rows, sound }: Verified): void {
  if (first !== undefined) console.log(first);
  if (rows) console.log(`\n${table(rows)}`);
  if (rows && others.length > 0) console.log();
  for (const line of others) console.log(line);
  if (!sound) process.exitCode = 1;
}

function countCommand(): Command {
  return new Command('count')
    .description('count images, by class where there are classes')
    .argument('[source]', 'images', 'cifar10')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx beyond-masking data count\n  $ npx beyond-masking data count classes:~/flowers',
    )
    .action(async (source: string, { json }: { json?: boolean }) => {
      const images = await whileFetching((options) => openDataset(source, options));
      if (!images) return;
      const counts = countImages(images);
      if (json) console.log(JSON.stringify(counts, null, 2));
      else {
        console.log(`${plural(counts.images, 'image')}`);
        const rows = Object.entries(counts.classes ?? {}).map(([name, n]) => [name, count(n)]);
        if (rows.length > 0) console.log(`\n${table([['class', 'images'], ...rows])}`);
      }
    });
}
