import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../../io/make-folder.ts';
import type { Client, Device } from './pjrt/client.ts';
import type { CompileOptions } from './pjrt/compile-options.ts';
import type { Executable } from './pjrt/executable.ts';

/**
 * Compiles modules, each once. Results are cached in memory for all sessions of the process, and on disk by plugin
 * and kind of device for other processes.
 */
export class Compiler {
  readonly #client: Client;
  readonly #folder: string | undefined;
  readonly #flags: CompileOptions['flags'];
  readonly #compiled = new Map<string, Promise<Executable>>();

  /** @param folder folder of the cache; undefined: no cache on disk */
  constructor(client: Client, folder: string | undefined, flags: CompileOptions['flags'] = {}) {
    this.#client = client;
    this.#folder = folder;
    this.#flags = flags;
  }

  compile(text: string, devices: readonly Device[]): Promise<Executable> {
    const options = { devices: devices.map(({ id }) => id), flags: this.#flags };
    const key = this.#key(text, devices, options);
    let executable = this.#compiled.get(key);
    if (!executable) {
      executable = this.#find(key, text, options);
      this.#compiled.set(key, executable);
    }
    return executable;
  }

  async #find(key: string, text: string, options: CompileOptions): Promise<Executable> {
    if (!this.#folder) return this.#client.compile(text, options);
    const file = join(this.#folder, `${key}.xla`);
    const known = intact(await readFile(file).catch(() => undefined));
    const loaded = known && (await this.#client.load(known, options.devices.length).catch(() => undefined));
    if (loaded) {
      const now = new Date();
      await utimes(file, now, now).catch(() => {});
      return loaded;
    }
    const compiled = await this.#client.compile(text, options);
    await this.#store(this.#folder, file, compiled);
    return compiled;
  }

  #key(text: string, devices: readonly Device[], options: CompileOptions): string {
    const { platform, platformVersion, api } = this.#client;
    // Programs for CPUs use the instruction set of this CPU.
    const host = platform === 'cpu' ? cpus()[0]?.model : '';
    const kinds = devices.map(({ kind }) => kind);
    const where = JSON.stringify([platform, platformVersion, api.version, api.path, host, kinds, options]);
    return createHash('sha256').update(where).update(text).digest('hex');
  }

  /** Writes to the cache. A failure only costs time later. */
  async #store(folder: string, file: string, executable: Executable): Promise<void> {
    const unfinished = `${file}.${randomUUID()}`;
    try {
      await makeFolder(folder);
      const program = executable.serialize();
      await writeFile(unfinished, Buffer.concat([digest(program), program]));
      await rename(unfinished, file);
      await removeUnused(folder);
    } catch {
      await rm(unfinished, { force: true }).catch(() => {});
    }
  }
}

/** Cached programs unused for this long are removed. */
const KEPT_MILLISECONDS = 30 * 24 * 3600 * 1000;

async function removeUnused(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (Date.now() - (await stat(path)).mtimeMs > KEPT_MILLISECONDS) await rm(path, { force: true });
  }
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const DIGEST_BYTES = 32;

/** The program in a cache file; undefined if the file is damaged, because XLA does not check the bytes it loads. */
function intact(file: Buffer | undefined): Uint8Array | undefined {
  const program = file?.subarray(DIGEST_BYTES);
  return program && digest(program).equals(file!.subarray(0, DIGEST_BYTES)) ? program : undefined;
}
