import { plural } from '../../text/plural.ts';
import type { Backend } from '../engine.ts';
import { openEngine } from './open-engine.ts';
import { type EngineWorker, PageClient } from './page-client.ts';

/**
 * onnxruntime on the page's workers. Each worker's script passes messages to a `server` of an `Engine`.
 * @param makeWorker creates a worker for each session
 */
export async function openPageBackend(
  makeWorker: () => EngineWorker,
  { threads = 1 }: { readonly threads?: number | undefined } = {},
): Promise<Backend> {
  const { about, open } = await openEngine(() => new PageClient(makeWorker()), { threads, native: false });
  return {
    name: 'onnx',
    description: `onnxruntime ${about.version} (WebAssembly, ${plural(threads, 'thread')})`,
    open,
  };
}
