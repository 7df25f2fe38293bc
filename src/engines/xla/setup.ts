import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { XlaError } from './pjrt/error.ts';
import { type PluginSet, pluginSets } from './plugin-sets.ts';

const DAY = 86_400_000; // milliseconds

export type PluginName = keyof typeof pluginSets;

export interface SetupOptions {
  /** Folder of plugins; each gets a folder of its own inside. */
  readonly cache: string;
  /** Python whose pip fetches the wheels. Default: `python3`. */
  readonly python?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly platform?: NodeJS.Platform;
  readonly architecture?: string;
}

/** What setting up a plugin does. */
export interface SetupPlan {
  readonly description: string;
  /** Where the plugin will lie. */
  readonly folder: string;
  /** pip's requirements, each with its hash: pip refuses any other bytes. */
  readonly requirements: string;
  /** Arguments of Python, that of the file of requirements and the folder it installs into left out. */
  readonly arguments: readonly string[];
}

/** Plans `setupPlugin`. Throws XlaError on a platform for which there are no wheels. */
export function planSetup(
  name: PluginName,
  { cache, platform = process.platform, architecture = process.arch }: SetupOptions,
): SetupPlan {
  const set: PluginSet = pluginSets[name];
  if (platform !== set.platform || architecture !== set.architecture)
    throw new XlaError(
      `setup ${name} is for ${set.platform} on ${set.architecture}, got ${platform} on ${architecture}: ` +
        'install a PJRT plugin another way and name it in BEYOND_MASKING_PJRT_PLUGIN',
    );
  return {
    description: set.description,
    folder: join(cache, name),
    requirements: set.wheels
      .map((wheel) => `${wheel.name}==${wheel.version} --hash=sha256:${wheel.sha256}\n`)
      .join(''),
    arguments: [
      ...['-m', 'pip', 'install', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:'],
      ...['--require-hashes', '--no-compile', '--upgrade'],
    ],
  };
}

/**
 * Installs a plugin and the libraries that it needs with pip from the package index that the user has set, every wheel
 * checked against its hash. A folder that is there is replaced at the end, so an interrupted setup leaves what was.
 * pip's own progress goes to the standard error.
 * @returns the folder
 * Rejects with an XlaError where Python or pip is missing or fails, and with the signal's reason when aborted.
 */
export async function setupPlugin(name: PluginName, options: SetupOptions): Promise<string> {
  const plan = planSetup(name, options);
  const { cache, python = 'python3', signal } = options;
  const unfinished = join(cache, `.${name}-${randomUUID()}`);
  await removeLeft(cache, name);
  await mkdir(unfinished, { recursive: true });
  try {
    const file = join(unfinished, 'requirements.txt');
    await writeFile(file, plan.requirements);
    await run(python, [...plan.arguments, '--target', unfinished, '-r', file], signal);
    await replaceFolder(unfinished, plan.folder);
    return plan.folder;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

const ATTEMPTS = 10;

/** Moves a finished folder into place, also where others do the same at once. */
async function replaceFolder(finished: string, folder: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await rm(folder, { recursive: true, force: true });
    try {
      return await rename(finished, folder);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error; // another one was there first
    }
  }
}

/** Removes what killed setups have left. Younger than a day, it may belong to one that still runs. */
async function removeLeft(cache: string, name: PluginName): Promise<void> {
  const left = (await readdir(cache).catch(() => [])).filter((entry) => entry.startsWith(`.${name}-`));
  for (const path of left.map((entry) => join(cache, entry))) {
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() })); // just removed
    if (Date.now() - mtimeMs > DAY) await rm(path, { recursive: true, force: true });
  }
}

function run(python: string, args: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    // A target of the user's own settings would compete with ours.
    const env = { ...process.env, PIP_USER: '0' };
    const pip = spawn(python, args, { stdio: ['ignore', 2, 2], env, ...(signal && { signal }) });
    pip.on('error', (error: NodeJS.ErrnoException) => {
      if (signal?.aborted) reject(signal.reason);
      else if (error.code === 'ENOENT')
        reject(
          new XlaError(`plugins are fetched with Python's pip, got no ${python}: name one with --python`),
        );
      else reject(error);
    });
    pip.on('close', (code) => {
      if (code === 0) resolve();
      else
        reject(
          new XlaError(
            `pip must fetch and check every package, got exit code ${code} (its reasons are above)`,
          ),
        );
    });
  });
}
