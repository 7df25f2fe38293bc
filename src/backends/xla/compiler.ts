import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Client, Device } from './pjrt/client.ts';
import type { CompileOptions } from './pjrt/compile-options.ts';
import type { Executable } from './pjrt/executable.ts';

/** Compiles modules, and keeps what came of it on disk: a program is compiled once for a plugin and kind of device. */
export class Compiler {
  private readonly client: Client;
  private readonly folder: string | undefined;
  private readonly flags: CompileOptions['flags'];

  /** @param folder where compiled programs are kept; none are without one */
  constructor(client: Client, folder: string | undefined, flags: CompileOptions['flags'] = {}) {
    this.client = client;
    this.folder = folder;
    this.flags = flags;
  }

  async compile(text: string, devices: readonly Device[]): Promise<Executable> {
    const options = { devices: devices.map(({ id }) => id), flags: this.flags };
    if (!this.folder) return this.client.compile(text, options);
    const file = join(this.folder, `${this.key(text, devices, options)}.xla`);
    const known = await readFile(file).catch(() => undefined);
    // What another version wrote, or half a file, is compiled anew.
    const loaded = known && (await this.client.load(known, devices.length).catch(() => undefined));
    if (loaded) return loaded;
    const compiled = await this.client.compile(text, options);
    await this.keep(file, compiled);
    return compiled;
  }

  private key(text: string, devices: readonly Device[], options: CompileOptions): string {
    const { platform, platformVersion, api } = this.client;
    // Programs for CPUs use what the CPU at hand has.
    const host = platform === 'cpu' ? cpus()[0]?.model : '';
    const kinds = devices.map(({ kind }) => kind);
    const where = JSON.stringify([platform, platformVersion, api.version, api.path, host, kinds, options]);
    return createHash('sha256').update(where).update(text).digest('hex');
  }

  /** A cache that cannot be written costs time, and nothing else. */
  private async keep(file: string, executable: Executable): Promise<void> {
    const unfinished = `${file}.${randomUUID()}`;
    try {
      await mkdir(this.folder!, { recursive: true });
      await writeFile(unfinished, executable.serialize());
      await rename(unfinished, file);
    } catch {
      await rm(unfinished, { force: true }).catch(() => {});
    }
  }
}
