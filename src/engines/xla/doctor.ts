import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openXlaEngine } from './engine.ts';
import { hasNvidia, missingDevice } from './open-found.ts';
import { findPlugins, type PluginCandidate, type PluginPlaces } from './plugins.ts';

/** A plugin and the result of its test. */
export interface ExaminedPlugin extends PluginCandidate {
  /** Version of the PJRT API and kinds of devices; undefined if the plugin cannot be used. */
  readonly works?: {
    readonly version: string;
    readonly platform: string;
    readonly devices: readonly string[];
  };
  /** Why the plugin cannot be used. */
  readonly error?: string;
}

/** Result of `doctor` for the xla engine. */
export interface XlaReport {
  /** True if the package koffi, which calls plugins, is installed. */
  readonly koffi: boolean;
  /** Models of the NVIDIA GPUs known to the driver. */
  readonly gpus: readonly string[];
  readonly plugins: readonly ExaminedPlugin[];
  /** The missing part and the command that installs it. */
  readonly advice: string | undefined;
}

/** Looks for plugins and GPUs, and tests every plugin. */
export async function examineXla(places: PluginPlaces = {}): Promise<XlaReport> {
  const koffi = await import('koffi').then(
    () => true,
    () => false,
  );
  const gpus = await nvidiaGpus();
  const plugins: ExaminedPlugin[] = [];
  for (const candidate of await findPlugins(places))
    plugins.push(koffi ? await examine(candidate) : candidate);
  return { koffi, gpus, plugins, advice: adviceFor(koffi, gpus, plugins) };
}

async function examine(candidate: PluginCandidate): Promise<ExaminedPlugin> {
  const missing = missingDevice(candidate);
  if (missing) return { ...candidate, error: missing };
  try {
    const { client } = await openXlaEngine({ plugin: candidate.path });
    const devices = client.devices.map(({ kind }) => kind);
    return {
      ...candidate,
      works: { version: client.api.version.join('.'), platform: client.platform, devices },
    };
  } catch (error) {
    return { ...candidate, error: (error as Error).message };
  }
}

/** The next command to run. */
export function adviceFor(
  koffi: boolean,
  gpus: readonly string[],
  plugins: readonly ExaminedPlugin[],
): string | undefined {
  if (!koffi) return 'the xla engine needs the package koffi: npm install koffi';
  const accelerated = plugins.some(({ works }) => works && works.platform !== 'cpu');
  if (accelerated) return undefined;
  if (gpus.length > 0) return 'the GPU needs the plugin of XLA for CUDA: npx beyond-masking setup cuda13';
  return undefined;
}

/** Models of the GPUs known to NVIDIA's driver, on Linux. */
async function nvidiaGpus(): Promise<string[]> {
  const folder = '/proc/driver/nvidia/gpus';
  const found = await readdir(folder).catch(() => []);
  const models = await Promise.all(
    found.map(async (gpu) => {
      const text = await readFile(join(folder, gpu, 'information'), 'utf8').catch(() => '');
      return /^Model:\s*(.*)$/m.exec(text)?.[1] ?? 'NVIDIA GPU';
    }),
  );
  return models.length === 0 && hasNvidia() ? ['NVIDIA GPU'] : models;
}
