import { availableParallelism } from 'node:os';
import type { Values } from '../../graph/tensor.ts';
import { plural } from '../../text/plural.ts';
import type { Engine, SessionOptions } from '../engine.ts';
import { libraryFiles } from './library.ts';
import type { Precision } from './lower.ts';
import { ProcessClient } from './process-client.ts';
import { OneDnnSession } from './session.ts';

export interface OneDnnOptions {
  /** Threads of the engine. Default: one per core. */
  readonly threads?: number | undefined;
  /** Type of the operands of products. Default: f32. */
  readonly precision?: Precision | undefined;
  /** Folder of `setup onednn`, searched if the system has no oneDNN. */
  readonly folder?: string | undefined;
}

export interface OneDnnEngine extends Engine {
  /** oneDNN's library: a system name or a path. */
  readonly library: string;
  open(state: Values, options?: SessionOptions): Promise<OneDnnSession>;
}

/**
 * Opens oneDNN, for x86 CPUs on Linux. Throws an Error with the install command if something is missing. With bf16,
 * weights, moments, norms, softmax and losses stay float32.
 */
export async function openOneDnnEngine(options: OneDnnOptions = {}): Promise<OneDnnEngine> {
  const { threads = availableParallelism(), precision = 'f32', folder } = options;
  const files = libraryFiles(folder);
  const start = async () => {
    const client = new ProcessClient();
    try {
      return { client, ...(await client.request('start', { threads, precision, files })) };
    } catch (error) {
      await client.stop();
      throw error;
    }
  };
  const first = await start();
  let spare: ProcessClient | undefined = first.client;
  return {
    name: 'onednn',
    library: first.file,
    description: `oneDNN ${first.version} (${precision}, ${plural(threads, 'thread')})`,
    precision,
    async open(state, { collective } = {}) {
      const client = spare ?? (await start()).client;
      spare = undefined;
      const session = new OneDnnSession(client, precision);
      try {
        await session.add(state);
        if (collective) await session.join(collective);
      } catch (error) {
        await session.dispose();
        throw error;
      }
      return session;
    },
  };
}
