import type * as Ort from 'onnxruntime-common';

/** An onnxruntime of one make or another. */
export interface Runtime {
  readonly ort: Pick<typeof Ort, 'InferenceSession' | 'Tensor'>;
  readonly native: boolean;
  readonly version: string;
}

/**
 * onnxruntime-node where it is installed, onnxruntime-web's WebAssembly elsewhere.
 * @param native false: WebAssembly even where the native engine is installed
 */
export async function loadRuntime(threads: number, native = true): Promise<Runtime> {
  if (native) {
    try {
      const ort = await import('onnxruntime-node');
      return { ort, native: true, version: ort.env.versions.node ?? ort.env.versions.common };
    } catch {
      // Not installed, or not built for this platform.
    }
  }
  const ort = await import('onnxruntime-web');
  ort.env.wasm.numThreads = threads;
  return { ort, native: false, version: ort.env.versions.web ?? ort.env.versions.common };
}
