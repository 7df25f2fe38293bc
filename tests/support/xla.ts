import { join } from 'node:path';
import { openXlaEngine, type XlaEngine, type XlaOptions } from '../../src/engines/xla/engine.ts';
import { findPlugins } from '../../src/engines/xla/plugins.ts';
import { cacheFolder } from '../../src/io/cache-folder.ts';

/** XLA on the CPU, with the plugin of `beyond-masking setup cpu`. Compiles quickly instead of optimising. */
export async function openCpuXla(options: Omit<XlaOptions, 'plugin'> = {}): Promise<XlaEngine> {
  return openXlaEngine({
    plugin: await cpuPlugin(),
    flags: { xla_backend_optimization_level: 0, xla_llvm_disable_expensive_passes: true },
    ...options,
  });
}

/** Path of the plugin for CPUs. */
export async function cpuPlugin(): Promise<string> {
  const found = await findPlugins({ cache: join(cacheFolder(), 'pjrt') });
  const plugin = found.find(({ platform }) => platform === 'cpu');
  if (!plugin) throw new Error('tests of the xla engine need its plugin for CPUs: beyond-masking setup cpu');
  return plugin.path;
}
