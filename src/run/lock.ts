import { readFileSync, rmSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { writeFileAtomic } from '../io/atomic.ts';
import { RunError } from './error.ts';
import type { RunFolder } from './folder.ts';

/** A process, as a lock names it. */
interface Holder {
  readonly pid: number;
  readonly host: string;
}

/** Milliseconds that a lock is given to be written by others. */
const SETTLE = 100;

/** Locks of this process. */
const held = new Set<string>();

/** Sees to it that one process at a time trains into a folder: a file there names it while it does. */
export class RunLock {
  readonly #folder: string;
  readonly #path: string;
  readonly #remove = () => rmSync(this.#path, { force: true });
  #taken = false;

  constructor({ path, lock }: RunFolder) {
    this.#folder = path;
    this.#path = resolve(lock);
  }

  /**
   * Takes the lock, also one that a dead process of this machine has left; the folder must exist. A process that exits
   * gives it back. Throws RunError when another process holds it, or the system's error.
   */
  async take(): Promise<void> {
    const self = { pid: process.pid, host: hostname() };
    if (held.has(this.#path)) throw this.#refusal(self);
    held.add(this.#path);
    try {
      await this.#write(self);
    } catch (error) {
      held.delete(this.#path);
      throw error;
    }
    this.#taken = true;
    process.on('exit', this.#remove);
  }

  /** Gives the lock back, if it was taken. */
  async release(): Promise<void> {
    if (!this.#taken) return;
    this.#taken = false;
    process.off('exit', this.#remove);
    await rm(this.#path, { force: true });
    held.delete(this.#path);
  }

  async #write(self: Holder): Promise<void> {
    const content = `${JSON.stringify(self)}\n`;
    if (await create(this.#path, content)) return;
    const holder = await readHolder(this.#path);
    if (holder && isAlive(holder, self)) throw this.#refusal(holder);
    if (!holder && (await create(this.#path, content))) return; // given back in the meantime
    // Of several processes that find a dead one's lock at once, the last to write has it.
    await writeFileAtomic(this.#path, content);
    await setTimeout(SETTLE);
    const last = await readHolder(this.#path);
    if (last?.pid !== self.pid || last.host !== self.host) throw this.#refusal(last ?? self);
  }

  #refusal({ pid, host }: Holder): RunError {
    return new RunError(
      `one process at a time may train into a folder, got ${this.#folder}, into which process ${pid} on ${host} trains: ` +
        `wait for it or stop it, or choose another folder with --output; if it is no run any more, delete ${this.#path}`,
    );
  }
}

/** Whether there was no such file. */
async function create(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Whom a lock names; undefined for one that was never written to its end, or is gone. */
async function readHolder(path: string): Promise<Holder | undefined> {
  for (const last of [false, true]) {
    try {
      const { pid, host } = (JSON.parse(await readFile(path, 'utf8')) ?? {}) as Partial<Holder>;
      if (Number.isSafeInteger(pid) && pid! > 0 && typeof host === 'string') return { pid: pid!, host };
    } catch (error) {
      if (!(error instanceof SyntaxError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    if (!last) await setTimeout(SETTLE); // it may be being written
  }
  return undefined;
}

/** Whether the process may still run: of other machines, nobody knows. */
function isAlive({ pid, host }: Holder, self: Holder): boolean {
  if (host !== self.host) return true;
  if (pid === self.pid) return false; // an earlier process of that number: the locks of this one are known
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Whether a process of Linux has ended, and nobody has asked yet how. In some containers nobody ever does. */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8'); // 27 (its name) Z …
    return stat.charAt(stat.lastIndexOf(')') + 2) === 'Z';
  } catch {
    return false; // no Linux
  }
}
