import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DownloadOptions, downloadWheel } from './download-wheel.ts';
import { SetupError } from './error.ts';
import type { Wheel } from './library-sets.ts';
import { packageIndex } from './package-index.ts';
import { hasPip, pipDownload } from './pip.ts';

export interface FetchOptions extends DownloadOptions {
  /** Python whose pip downloads the wheels. Default: `python3`; without pip, they are downloaded over HTTPS. */
  readonly python?: string | undefined;
}

/**
 * Downloads wheels into an empty folder: with pip if Python has it, else over HTTPS from the package index in pip's
 * settings, else from the public index. Returns their paths. Rejects with a SetupError if one is missing or its hash
 * differs.
 */
export async function fetchWheels(
  wheels: readonly Wheel[],
  folder: string,
  { python, onProgress, signal }: FetchOptions = {},
): Promise<string[]> {
  if (await hasPip(python ?? 'python3', signal))
    await pipDownload(python ?? 'python3', wheels, folder, signal);
  else if (python !== undefined)
    throw new SetupError(
      `--python must be a Python that has pip, got ${python}: leave it out to fetch without pip`,
    );
  else {
    const index = await packageIndex();
    for (const wheel of wheels) await downloadWheel(wheel, index, folder, { onProgress, signal });
  }
  const paths = (await readdir(folder))
    .filter((name) => name.endsWith('.whl'))
    .map((name) => join(folder, name));
  await checkHashes(wheels, paths);
  return paths;
}

/** Throws SetupError unless the files match the wheels' hashes. */
async function checkHashes(wheels: readonly Wheel[], paths: readonly string[]): Promise<void> {
  const found = new Map<string, string>();
  for (const path of paths) found.set(await sha256(path), path);
  for (const { name, version, sha256: hash } of wheels)
    if (!found.delete(hash))
      throw new SetupError(
        `${name} ${version} must have the SHA-256 ${hash}, got ${[...found.keys()].join(', ') || 'no file'}: ` +
          'the package index delivers another file',
      );
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}
