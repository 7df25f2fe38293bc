import { existsSync } from 'node:fs';
import { openXlaBackend, type XlaBackend, type XlaOptions } from './backend.ts';
import { XlaError } from './pjrt/error.ts';
import { findPlugins, type PluginCandidate, type PluginPlaces } from './plugins.ts';

export interface FoundOptions extends Omit<XlaOptions, 'plugin'> {
  readonly places?: PluginPlaces;
  /** Leave plugins for CPUs out, unless one is named in `BEYOND_MASKING_PJRT_PLUGIN`. */
  readonly acceleratorsOnly?: boolean;
}

/**
 * Opens the first plugin found that has a device. Throws XlaError where there is none, with the reason of each that was
 * tried and the command that installs one.
 */
export async function openFoundXla({
  places,
  acceleratorsOnly = false,
  ...options
}: FoundOptions): Promise<XlaBackend> {
  const all = await findPlugins(places);
  const found = all.filter(
    ({ platform, origin }) => !acceleratorsOnly || platform !== 'cpu' || origin !== 'cache',
  );
  const failures: string[] = [];
  for (const candidate of found) {
    try {
      const missing = missingDevice(candidate);
      if (missing) throw new XlaError(missing);
      return await openXlaBackend({ plugin: candidate.path, ...options });
    } catch (error) {
      if (candidate.origin === 'BEYOND_MASKING_PJRT_PLUGIN') throw error;
      failures.push(`${candidate.path}: ${(error as Error).message}`);
    }
  }
  const tried = failures.length > 0 ? `\n${failures.join('\n')}` : ' none';
  throw new XlaError(
    `the xla engine needs a PJRT plugin with a device, got${tried}\n` +
      '`beyond-masking doctor` says what is missing; `beyond-masking setup cuda13` installs the plugin for NVIDIA GPUs',
  );
}

/** Why a plugin need not be loaded: its kind of device is not in this machine. Undefined where it may be. */
export function missingDevice({ platform, origin }: PluginCandidate): string | undefined {
  const isLinux = process.platform === 'linux';
  if (platform === 'cuda' && isLinux && origin !== 'BEYOND_MASKING_PJRT_PLUGIN' && !hasNvidia())
    return 'no NVIDIA GPU in this machine (no /dev/nvidiactl)';
  return undefined;
}

/** Whether the driver of NVIDIA's GPUs is loaded. */
export function hasNvidia(): boolean {
  return existsSync('/dev/nvidiactl');
}
