import { plural } from '../../text/plural.ts';
import type { Engine } from '../engine.ts';
import { openEngine } from './open-engine.ts';
import { type EngineWorker, PageClient } from './page-client.ts';

/**
 * onnxruntime on the page's workers. Each worker's script passes messages to a `server` of an `EngineHost`.
 * @param makeWorker creates a worker for each session
 */
export async function openPageEngine(
  makeWorker: () => EngineWorker,
  { threads = 1 }: { readonly threads?: number | undefined } = {},
): Promise<Engine> {
  const { about, open } = await openEngine(() => new PageClient(makeWorker()), { threads, native: false });
  return {
    name: 'onnx',
    description: `onnxruntime ${about.version} (WebAssembly, ${plural(threads, 'thread')})`,
    open,
  };
}
