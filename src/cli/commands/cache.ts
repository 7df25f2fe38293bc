import { rm } from 'node:fs/promises';
import { Command } from 'commander';
import { digestFolder } from '../../data/sources/folder-digest.ts';
import { clearFeatures, featureCacheFolder, listFeatures } from '../../evaluate/features/feature-cache.ts';
import { plural } from '../../text/plural.ts';
import { count, table } from '../show/table.ts';

export function cacheCommand(): Command {
  return new Command('cache')
    .description('show or clear the features that are kept on the disk')
    .option('--clear', 'remove them all; the next command that needs some makes them again')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking cache
  $ npx beyond-masking cache --clear

Features of frozen encoders (knn, linprobe, embed) are kept under a key of the weights, the images and all else
that they depend on; files count by path, size, times of their last change and inode. The digests of folders of images, which
runs compare, lie beside them and are removed with them. BEYOND_MASKING_CACHE names another folder.`,
    )
    .action(async (options: { clear?: boolean; json?: boolean }) => {
      const folder = featureCacheFolder();
      const kept = await listFeatures(folder);
      if (options.clear) {
        await clearFeatures(folder);
        await rm(digestFolder(), { recursive: true, force: true });
      }
      const bytes = kept.reduce((sum, entry) => sum + entry.bytes, 0);
      if (options.json) {
        console.log(
          JSON.stringify({ folder, bytes, cleared: options.clear ?? false, features: kept }, null, 2),
        );
        return;
      }
      const verb = options.clear ? 'removed' : 'kept';
      console.log(
        `${plural(kept.length, 'set of features', 'sets of features')} ${verb}, ${megabytes(bytes)}: ${folder}`,
      );
      if (kept.length === 0 || options.clear) return;
      const rows = kept.map(({ model, images, parts, bytes: size }) => [
        model,
        images,
        count(parts),
        megabytes(size),
      ]);
      console.log(`\n${table([['model', 'images', 'parts', 'size'], ...rows])}`);
    });
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
