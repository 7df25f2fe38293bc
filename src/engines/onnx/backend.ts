import { availableParallelism } from 'node:os';
import type { Values } from '../../graph/tensor.ts';
import { plural } from '../../text/plural.ts';
import type { Backend, Session, SessionOptions } from '../engine.ts';
import type { NativeFailure } from './runtime.ts';
import { OnnxSession } from './session.ts';
import { WorkerClient } from './worker-client.ts';

export interface OnnxOptions {
  /** Threads of the engine. Default: one for each core. */
  readonly threads?: number | undefined;
  /** False: WebAssembly, even where the native engine is installed. */
  readonly native?: boolean | undefined;
}

export interface OnnxBackend extends Backend {
  /** False where WebAssembly stands in for the native engine. */
  readonly native: boolean;
}

/** What to tell where the native engine was wanted and is not there. */
function notice({ installed, message }: NativeFailure): string {
  const instead = 'computing on WebAssembly, which is several times slower';
  return installed
    ? `onnxruntime-node is installed and does not load (${message}): ${instead}`
    : `onnxruntime-node is not installed: ${instead}. ` +
        'To install it: npm install onnxruntime-node --onnxruntime-node-install=skip';
}

/** The engine for CPUs: onnxruntime, native where it is installed, as WebAssembly elsewhere. */
export async function openOnnxBackend(options: OnnxOptions = {}): Promise<OnnxBackend> {
  const { threads = availableParallelism(), native: wanted = true } = options;
  const start = (client: WorkerClient) =>
    stopOnError(client, () => client.request('start', { threads, native: wanted }));
  const first = new WorkerClient();
  const { native, version, failure } = await start(first);
  let spare: WorkerClient | undefined = first;
  return {
    name: 'onnx',
    native,
    description: `onnxruntime ${version} (${native ? 'native' : 'WebAssembly'}, ${plural(threads, 'thread')})`,
    ...(failure && { notice: notice(failure) }),
    async open(state: Values, { collective }: SessionOptions = {}): Promise<Session> {
      const client = spare ?? new WorkerClient();
      if (!spare) await start(client);
      spare = undefined;
      const session = new OnnxSession(client);
      await stopOnError(client, async () => {
        await session.add(state);
        if (collective) await session.join(collective);
      });
      return session;
    },
  };
}

/** Leaves no thread behind when `work` fails. */
async function stopOnError<T>(client: WorkerClient, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await client.stop();
    throw error;
  }
}
