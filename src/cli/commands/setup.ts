import { Argument, Command } from 'commander';
import { setupOneDnn } from '../../engines/onednn/setup.ts';
import { install, requirePlatform } from '../../engines/setup/install.ts';
import { type LibraryName, librarySets, setFolder } from '../../engines/setup/library-sets.ts';
import { requirements } from '../../engines/setup/pip.ts';
import { cacheFolder } from '../../io/cache-folder.ts';
import { withProgress } from '../show/with-progress.ts';

interface Options {
  python?: string;
  dryRun?: boolean;
}

export function setupCommand(): Command {
  const sets = Object.entries(librarySets).map(
    ([name, { description }]) => `  ${name.padEnd(8)}${description}`,
  );
  return new Command('setup')
    .description('install the library of an engine, hashes checked, without root')
    .addArgument(new Argument('<library>', 'what to install').choices(Object.keys(librarySets)))
    .option('--python <path>', "Python whose pip fetches it (default: python3's; where that has none, HTTPS)")
    .option('--dry-run', 'print what would be fetched, and fetch nothing')
    .addHelpText(
      'after',
      `
Libraries:
${sets.join('\n')}

Examples:
  $ npx beyond-masking setup onednn
  $ npx beyond-masking setup cuda13
  $ npx beyond-masking setup cpu --dry-run

They come from the package index that pip's settings name (PIP_INDEX_URL, pip.conf), go into the cache
(BEYOND_MASKING_CACHE names another folder) and nowhere else. \`npx beyond-masking doctor\` says whether they work.`,
    )
    .action(async (name: LibraryName, { python, dryRun }: Options) => {
      const [set, cache] = [librarySets[name], cacheFolder()];
      if (dryRun) {
        requirePlatform(set);
        console.log(
          `${set.description}\ninto ${setFolder(set, cache)}\n\n${requirements(set.wheels).trimEnd()}`,
        );
        return;
      }
      const installed = await withProgress(
        (watched) => installLibrary(name, { cache, python, ...watched }),
        'nothing was changed',
      );
      if (installed !== undefined) console.log(`installed in ${installed}`);
    });
}

/** Returns the folder, and what was found when the library was tried. */
async function installLibrary(
  name: LibraryName,
  options: Parameters<typeof setupOneDnn>[0],
): Promise<string> {
  if (name !== 'onednn') return install(librarySets[name], options);
  const { folder, version } = await setupOneDnn(options);
  return `${folder}: oneDNN ${Object.values(version).join('.')}`;
}
