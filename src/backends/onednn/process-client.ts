import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Requests } from './messages.ts';

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

// Node 20 runs no TypeScript: from the sources, too, it is the built file that runs.
const script = fileURLToPath(new URL('../../../dist/backends/onednn/process.js', import.meta.url));

/**
 * How long threads of oneDNN spin before they sleep, where the user does not say: their default, some milliseconds, makes
 * a step ten times slower where other programs want the cores.
 */
const environment = { GOMP_SPINCOUNT: '1000' };

/**
 * The engine in a process of its own: a crash of native code is an error here, and the event loop stays free.
 * Requests are answered in order.
 */
export class ProcessClient {
  private readonly child: ChildProcess;
  private readonly pending = new Map<number, Pending>();
  private next = 0;
  private failure: Error | undefined;

  constructor() {
    this.child = fork(script, {
      env: { ...environment, ...process.env },
      execArgv: [],
      serialization: 'advanced',
    });
    this.child.on('message', ({ id, value, error }: { id: number; value: unknown; error?: string }) => {
      const { resolve, reject } = this.pending.get(id)!;
      this.pending.delete(id);
      if (this.pending.size === 0) this.child.channel?.unref();
      if (error === undefined) resolve(value);
      else reject(new Error(error));
    });
    this.child.on('error', (error) =>
      this.fail(new Error(`the onednn engine's process failed: ${error.message}`)),
    );
    this.child.on('exit', (code, signal) =>
      this.fail(new Error(`the onednn engine's process ended (${signal ?? `exit status ${code}`})`)),
    );
    this.child.unref();
    this.child.channel?.unref();
  }

  request<K extends keyof Requests>(kind: K, take: Requests[K]['take']): Promise<Requests[K]['give']> {
    return new Promise((resolve, reject) => {
      if (this.failure) return reject(this.failure);
      const id = this.next++;
      this.pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      // Keeps this process alive while an answer is due.
      this.child.channel?.ref();
      this.child.send({ id, request: { kind, take } }, (error) => {
        if (error) this.fail(new Error(`the onednn engine's process cannot be reached: ${error.message}`));
      });
    });
  }

  async stop(): Promise<void> {
    this.fail(new Error('the onednn engine has been stopped'));
    this.child.kill('SIGKILL');
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.child.channel?.unref();
    for (const { reject } of this.pending.values()) reject(this.failure);
    this.pending.clear();
  }
}
