import { type SpawnOptions, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SetupError } from './error.ts';
import type { Wheel } from './library-sets.ts';

/** True if this Python exists and has pip. */
export async function hasPip(python: string, signal?: AbortSignal): Promise<boolean> {
  const code = await run(python, ['-m', 'pip', '--version'], 'ignore', signal).catch((error) => {
    if (signal?.aborted) throw error;
    return undefined; // no such Python
  });
  return code === 0;
}

/** pip's requirements with hashes: pip refuses other bytes. */
export function requirements(wheels: readonly Wheel[]): string {
  return wheels.map(({ name, version, sha256 }) => `${name}==${version} --hash=sha256:${sha256}\n`).join('');
}

/** Downloads wheels with pip from the user's package index. Rejects with a SetupError if pip fails. */
export async function pipDownload(
  python: string,
  wheels: readonly Wheel[],
  folder: string,
  signal?: AbortSignal,
): Promise<void> {
  const file = join(folder, 'requirements.txt');
  await writeFile(file, requirements(wheels));
  const args = [
    ...['-m', 'pip', 'download', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:'],
    ...['--require-hashes', '--dest', folder, '-r', file],
  ];
  const code = await run(python, args, ['ignore', 2, 2], signal);
  if (code !== 0)
    throw new SetupError(
      `pip must fetch and check every package, got exit code ${code} (its reasons are above)`,
    );
}

/** Resolves to the exit code. */
function run(
  python: string,
  args: readonly string[],
  stdio: SpawnOptions['stdio'],
  signal: AbortSignal | undefined,
): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, args, { stdio, ...(signal && { signal }) });
    child.on('error', (error) => reject(signal?.aborted ? signal.reason : error));
    child.on('close', resolve);
  });
}
