import { join } from 'node:path';
import { openXlaEngine, type XlaEngine, type XlaOptions } from '../../src/engines/xla/engine.ts';
import type { Client, Device } from '../../src/engines/xla/pjrt/client.ts';
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

/** The CPU's client and device, posing as those of an NVIDIA GPU. */
export async function cpuAsGpu(): Promise<{ client: Client; device: Device }> {
  const { client: cpu } = await openCpuXla();
  const client = new Proxy(cpu, {
    get: (target, key) => {
      if (key === 'platform') return 'cuda';
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value; // private members need the client itself
    },
  });
  return { client, device: { ...cpu.devices[0]!, computeCapability: '9.0' } };
}
