import { Worker } from 'node:worker_threads';
import type { Requests } from './messages.ts';

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

// Node runs no TypeScript in a worker: from the sources, too, it is the built file that runs.
const script = new URL('../../../dist/backends/onnx/worker.js', import.meta.url);

/** The engine on a thread of its own. Requests are answered in order. */
export class WorkerClient {
  private readonly worker = new Worker(script);
  private readonly pending = new Map<number, Pending>();
  private next = 0;
  private failure: Error | undefined;

  constructor() {
    this.worker.on('message', ({ id, value, error }: { id: number; value: unknown; error?: string }) => {
      const { resolve, reject } = this.pending.get(id)!;
      this.pending.delete(id);
      if (this.pending.size === 0) this.worker.unref();
      if (error === undefined) resolve(value);
      else reject(new Error(`the onnx engine failed: ${error}`));
    });
    this.worker.on('error', (error) =>
      this.fail(new Error(`the onnx engine's thread died: ${error.message}`)),
    );
    this.worker.on('exit', () => this.fail(new Error('the onnx engine has been stopped')));
    this.worker.unref();
  }

  request<K extends keyof Requests>(kind: K, take: Requests[K]['take']): Promise<Requests[K]['give']> {
    return new Promise((resolve, reject) => {
      if (this.failure) return reject(this.failure);
      const id = this.next++;
      this.pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      // Keeps the process alive while an answer is due.
      this.worker.ref();
      this.worker.postMessage({ id, request: { kind, take } });
    });
  }

  async stop(): Promise<void> {
    await this.worker.terminate();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const { reject } of this.pending.values()) reject(this.failure);
    this.pending.clear();
  }
}
