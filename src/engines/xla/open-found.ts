import { existsSync } from 'node:fs';
import { openXlaEngine, type XlaEngine, type XlaOptions } from './engine.ts';
import { XlaError } from './pjrt/error.ts';
import { findPlugins, type PluginCandidate, type PluginPlaces } from './plugins.ts';

export interface FoundOptions extends Omit<XlaOptions, 'plugin'> {
  readonly places?: PluginPlaces;
  /** Skips CPU plugins, unless `BEYOND_MASKING_PJRT_PLUGIN` names one. */
  readonly acceleratorsOnly?: boolean;
}

/** No plugin with a device was found. */
export class NoDeviceError extends XlaError {
  /** Errors of plugins whose device this machine may have. */
  readonly failures: readonly string[];

  constructor(failures: readonly string[], absent: readonly string[]) {
    const tried = [...failures, ...absent];
    super(
      `the xla engine needs a PJRT plugin with a device, got${tried.length > 0 ? `\n${tried.join('\n')}` : ' none'}\n` +
        '`npx beyond-masking doctor` shows what is missing; `npx beyond-masking setup cuda13` installs the plugin for NVIDIA GPUs',
    );
    this.failures = failures;
  }
}

/**
 * Opens the first plugin that has a device. Throws NoDeviceError if there is none, with the error of each plugin and
 * the install command. For a plugin that the user named, throws that plugin's error.
 */
export async function openFoundXla({
  places,
  acceleratorsOnly = false,
  ...options
}: FoundOptions): Promise<XlaEngine> {
  const found = (await findPlugins(places)).filter(
    ({ platform, origin }) =>
      !acceleratorsOnly || platform !== 'cpu' || origin === 'BEYOND_MASKING_PJRT_PLUGIN',
  );
  const failures: string[] = [];
  const absent: string[] = [];
  for (const candidate of found) {
    const missing = missingDevice(candidate);
    if (missing) {
      absent.push(`${candidate.path}: ${missing}`);
      continue;
    }
    try {
      return await openXlaEngine({ plugin: candidate.path, ...options });
    } catch (error) {
      if (candidate.origin === 'BEYOND_MASKING_PJRT_PLUGIN') throw error;
      failures.push(`${candidate.path}: ${(error as Error).message}`);
    }
  }
  throw new NoDeviceError(failures, absent);
}

/** Why a plugin is skipped without loading it: the machine has no such device. Undefined if it may have one. */
export function missingDevice({ platform, origin }: PluginCandidate): string | undefined {
  const isLinux = process.platform === 'linux';
  if (platform === 'cuda' && isLinux && origin !== 'BEYOND_MASKING_PJRT_PLUGIN' && !hasNvidia())
    return 'no NVIDIA GPU in this machine (no /dev/nvidiactl)';
  return undefined;
}

/** True if NVIDIA's driver is loaded. */
export function hasNvidia(): boolean {
  return existsSync('/dev/nvidiactl');
}
