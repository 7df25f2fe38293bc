import { availableParallelism } from 'node:os';
import { plural } from '../../text/plural.ts';
import type { Engine } from '../engine.ts';
import { openEngine } from './open-engine.ts';
import type { NativeFailure } from './runtime.ts';
import { WorkerClient } from './worker-client.ts';

export interface OnnxOptions {
  /** Threads of the engine. Default: one per core. */
  readonly threads?: number | undefined;
  /** False: use WebAssembly even if the native engine is installed. */
  readonly native?: boolean | undefined;
}

export interface OnnxEngine extends Engine {
  /** False if the session runs on WebAssembly. */
  readonly native: boolean;
}

/** Message for a missing native engine. */
function fallbackNotice({ installed, message }: NativeFailure): string {
  const instead = 'computing on WebAssembly, which is several times slower';
  return installed
    ? `onnxruntime-node is installed and does not load (${message}): ${instead}`
    : `onnxruntime-node is not installed: ${instead}. ` +
        'To install it: npm install onnxruntime-node --onnxruntime-node-install=skip';
}

/** Opens onnxruntime for CPUs: native if installed, else WebAssembly. */
export async function openOnnxEngine(options: OnnxOptions = {}): Promise<OnnxEngine> {
  const { threads = availableParallelism(), native: wanted = true } = options;
  const { about, open } = await openEngine(() => new WorkerClient(), { threads, native: wanted });
  const { native, version, failure } = about;
  return {
    name: 'onnx',
    native,
    description: `onnxruntime ${version} (${native ? 'native' : 'WebAssembly'}, ${plural(threads, 'thread')})`,
    ...(failure && { notice: fallbackNotice(failure) }),
    open,
  };
}
