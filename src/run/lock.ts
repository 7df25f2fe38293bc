import { readFile, stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { writeFileAtomic } from '../io/atomic.ts';
import { aboutPath } from '../io/system-error.ts';
import { RunError } from './error.ts';
import type { RunFolder } from './folder.ts';
import { dropLock, forgetLock, holdLock, holdsLock } from './held-locks.ts';
import { mayRun, ownIdentity, type ProcessIdentity } from './process-identity.ts';

/** Milliseconds that a lock is given to be written by others. */
const SETTLE = 100;

/** Sees to it that one process at a time trains into a folder: a file there names it while it does. */
export class RunLock {
  readonly #folder: string;
  readonly #path: string;
  #taken = false;

  constructor({ path, lock }: RunFolder) {
    this.#folder = path;
    this.#path = resolve(lock);
  }

  /**
   * Takes the lock, also one that a dead process of this machine has left; the folder must exist. A process that exits
   * gives it back, and one that a signal ends, where it can. Returns the dead process, if a lock named one.
   * Throws RunError when another process holds it, or the system's error.
   */
  async take(): Promise<ProcessIdentity | undefined> {
    const self = ownIdentity();
    if (holdsLock(this.#path)) throw this.#refusal(self, self);
    const content = `${JSON.stringify(self)}\n`;
    holdLock(this.#path, content);
    try {
      const dead = await this.#write(self, content);
      this.#taken = true;
      return dead;
    } catch (error) {
      forgetLock(this.#path);
      throw error;
    }
  }

  /** Gives the lock back, if it was taken. */
  async release(): Promise<void> {
    if (!this.#taken) return;
    this.#taken = false;
    dropLock(this.#path);
  }

  async #write(self: ProcessIdentity, content: string): Promise<ProcessIdentity | undefined> {
    if (await create(this.#path, content)) return undefined;
    const found = await readHolder(this.#path);
    if (found && mayRun(found.holder, self, found.written)) throw this.#refusal(found.holder, self);
    if (!found && (await create(this.#path, content))) return undefined; // given back in the meantime
    // Of several processes that find a dead one's lock at once, the last to write has it.
    await writeFileAtomic(this.#path, content);
    await setTimeout(SETTLE);
    const last = (await readHolder(this.#path))?.holder ?? self;
    if (last.pid !== self.pid || last.host !== self.host) throw this.#refusal(last, self);
    return found?.holder;
  }

  #refusal({ pid, host }: ProcessIdentity, self: ProcessIdentity): RunError {
    const unknown = host === self.host ? '' : ', or did when that machine was last heard of';
    return new RunError(
      `one process at a time may train into a folder, got ${this.#folder}, into which process ${pid} on ${host} trains${unknown}: ` +
        `wait for it or stop it, or choose another folder with --output; if it is no run any more, delete ${this.#path}`,
    );
  }
}

/** True if there was no such file. */
async function create(path: string, content: string): Promise<boolean> {
  try {
    await aboutPath(path, writeFile(path, content, { flag: 'wx' }));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Whom a lock names, and when it was written; undefined for one that was never written to its end, or is gone. */
async function readHolder(
  path: string,
): Promise<{ readonly holder: ProcessIdentity; readonly written: number } | undefined> {
  for (const last of [false, true]) {
    try {
      const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
      const holder = (JSON.parse(text) ?? {}) as Partial<ProcessIdentity>;
      const { pid, host } = holder;
      if (Number.isSafeInteger(pid) && pid! > 0 && typeof host === 'string')
        return { holder: holder as ProcessIdentity, written: mtimeMs };
    } catch (error) {
      if (!(error instanceof SyntaxError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    if (!last) await setTimeout(SETTLE); // it may be being written
  }
  return undefined;
}
