import { availableParallelism } from 'node:os';
import type { Values } from '../../graph/tensor.ts';
import type { Backend } from '../backend.ts';
import type { Precision } from './lower.ts';
import { ProcessClient } from './process-client.ts';
import { OneDnnSession } from './session.ts';

export interface OneDnnOptions {
  /** Threads of the engine. Default: one for each core. */
  readonly threads?: number | undefined;
  /** Type in which products are computed. Default: f32. */
  readonly precision?: Precision | undefined;
}

export interface OneDnnBackend extends Backend {
  open(state: Values): Promise<OneDnnSession>;
}

/**
 * oneDNN, a library of the system, for x86 CPUs on Linux. Throws an Error that says how to install what is missing.
 * In bf16, weights, moments, norms, softmax and losses stay float32.
 */
export async function openOneDnnBackend(options: OneDnnOptions = {}): Promise<OneDnnBackend> {
  const { threads = availableParallelism(), precision = 'f32' } = options;
  const first = new ProcessClient();
  const { version } = await first.request('start', { threads, precision });
  let spare: ProcessClient | undefined = first;
  return {
    name: 'onednn',
    description: `oneDNN ${version} (${precision}, ${threads} thread${threads === 1 ? '' : 's'})`,
    async open(state) {
      const client = spare ?? new ProcessClient();
      if (!spare) await client.request('start', { threads, precision });
      spare = undefined;
      const session = new OneDnnSession(client, precision);
      await session.add(state);
      return session;
    },
  };
}
