import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A PJRT plugin that was found. */
export interface PluginCandidate {
  readonly path: string;
  /** Platform, judged by the plugin's name before it is loaded. */
  readonly platform: 'cuda' | 'rocm' | 'tpu' | 'cpu' | 'other';
  readonly origin: 'BEYOND_MASKING_PJRT_PLUGIN' | 'Python environment' | 'cache';
}

export interface PluginPlaces {
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Folder of `setup`: one folder per plugin, with Python packages inside. */
  readonly cache?: string | undefined;
}

/**
 * Plugins in order of preference. If `BEYOND_MASKING_PJRT_PLUGIN` is set, only that path. Otherwise JAX's plugins in
 * the active Python environment (`VIRTUAL_ENV` or `CONDA_PREFIX`), then those in the cache; CPU plugins last.
 */
export async function findPlugins({
  env = process.env,
  cache,
}: PluginPlaces = {}): Promise<PluginCandidate[]> {
  const named = env.BEYOND_MASKING_PJRT_PLUGIN;
  if (named) return [candidate(named, 'BEYOND_MASKING_PJRT_PLUGIN')];
  const found: PluginCandidate[] = [];
  for (const prefix of [env.VIRTUAL_ENV, env.CONDA_PREFIX])
    for (const packages of prefix ? await sitePackages(prefix) : [])
      for (const path of await pluginsIn(packages)) found.push(candidate(path, 'Python environment'));
  for (const folder of cache ? await folders(cache) : [])
    for (const path of await pluginsIn(folder)) found.push(candidate(path, 'cache'));
  return found.sort((a, b) => Number(a.platform === 'cpu') - Number(b.platform === 'cpu'));
}

/** Plugins among installed Python packages. */
async function pluginsIn(packages: string): Promise<string[]> {
  const jax = await folders(join(packages, 'jax_plugins'));
  const files = await Promise.all(jax.map((folder) => filesOf(folder)));
  const known = [join(packages, 'libtpu', 'libtpu.so'), join(packages, CPU_PLUGIN)];
  return [
    ...files.flat().filter((file) => /plugin\w*\.so$/.test(file)),
    ...known.filter((file) => existsSync(file)),
  ];
}

/** Path of the plugin in the package lammps-jax-pjrt-cpu. */
const CPU_PLUGIN = join('lammps_jax_pjrt_cpu', 'pjrt_c_api_cpu_plugin.so');

const candidate = (path: string, origin: PluginCandidate['origin']): PluginCandidate => ({
  path,
  origin,
  platform: platformOf(path),
});

/**
 * Platform of a plugin, by the names of its file and package: `xla_cuda13/xla_cuda_plugin.so`, `libtpu/libtpu.so`.
 */
export function platformOf(path: string): PluginCandidate['platform'] {
  const name = `${basename(dirname(path))}/${basename(path)}`.toLowerCase();
  const [, found] = /(?<![a-z])(?:lib)?(cuda|rocm|tpu|cpu)/.exec(name) ?? [];
  return (found as PluginCandidate['platform'] | undefined) ?? 'other';
}

async function sitePackages(prefix: string): Promise<string[]> {
  const versions = (await folders(join(prefix, 'lib'))).filter((folder) => /python3[^/]*$/.test(folder));
  return versions.map((folder) => join(folder, 'site-packages'));
}

async function folders(parent: string): Promise<string[]> {
  const entries = await readdir(parent, { withFileTypes: true }).catch(() => []);
  // Hidden folders are leftovers of an interrupted `setup`.
  const shown = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  return shown.map(({ name }) => join(parent, name));
}

async function filesOf(parent: string): Promise<string[]> {
  const entries = await readdir(parent, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => join(parent, name));
}
