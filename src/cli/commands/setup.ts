import { join } from 'node:path';
import { Argument, Command } from 'commander';
import { pluginSets } from '../../engines/xla/plugin-sets.ts';
import { type PluginName, planSetup, setupPlugin } from '../../engines/xla/setup.ts';
import { cacheFolder } from '../../io/cache-folder.ts';
import { interruptible } from '../show/interrupt.ts';

interface Options {
  python: string;
  dryRun?: boolean;
}

export function setupCommand(): Command {
  const sets = Object.entries(pluginSets).map(
    ([name, { description }]) => `  ${name.padEnd(8)}${description}`,
  );
  return new Command('setup')
    .description('install a plugin of the xla engine with pip, hashes checked')
    .addArgument(new Argument('<plugin>', 'what to install').choices(Object.keys(pluginSets)))
    .option('--python <path>', 'Python whose pip fetches the packages', 'python3')
    .option('--dry-run', 'print what would be fetched, and fetch nothing')
    .addHelpText(
      'after',
      `
Plugins:
${sets.join('\n')}

Examples:
  $ beyond-masking setup cuda13
  $ beyond-masking setup cpu --dry-run

They go into the cache (BEYOND_MASKING_CACHE names another folder) and nowhere else. \`beyond-masking doctor\` says
whether they work.`,
    )
    .action(async (name: PluginName, { python, dryRun }: Options) => {
      const cache = join(cacheFolder(), 'pjrt');
      if (dryRun) {
        const { description, folder, requirements } = planSetup(name, { cache });
        console.log(`${description}\ninto ${folder}\n\n${requirements.trimEnd()}`);
        return;
      }
      const { signal, done } = interruptible(() => console.error('stopping'));
      try {
        console.log(`installed in ${await setupPlugin(name, { cache, python, signal })}`);
      } catch (error) {
        if (error !== signal.reason) throw error;
        console.error('stopped; nothing was changed');
        process.exitCode = 130; // as the shell says of Ctrl-C
      } finally {
        done();
      }
    });
}
