import type * as Ort from 'onnxruntime-common';

/** An onnxruntime of one make or another. */
export interface Runtime {
  readonly ort: Pick<typeof Ort, 'InferenceSession' | 'Tensor'>;
  readonly native: boolean;
  /** Execution providers. Default: cpu where it is native, else wasm. */
  readonly providers?: readonly Ort.InferenceSession.ExecutionProviderConfig[];
  readonly version: string;
  /** Why the native one, which was wanted, is not the one that runs. */
  readonly failure?: NativeFailure;
}

export interface NativeFailure {
  /** False where the package is not there, true where it is and does not load. */
  readonly installed: boolean;
  /** What loading it said, in one line. */
  readonly message: string;
}

/**
 * onnxruntime-node where it is installed and loads, onnxruntime-web's WebAssembly elsewhere.
 * @param native false: WebAssembly even where the native engine is installed
 */
export async function loadRuntime(threads: number, native = true): Promise<Runtime> {
  let failure: NativeFailure | undefined;
  if (native) {
    try {
      const ort = await import('onnxruntime-node');
      return { ort, native: true, version: ort.env.versions.node ?? ort.env.versions.common };
    } catch (error) {
      failure = failureOf(error);
    }
  }
  const ort = await import('onnxruntime-web');
  ort.env.wasm.numThreads = threads;
  const version = ort.env.versions.web ?? ort.env.versions.common;
  return { ort, native: false, version, ...(failure && { failure }) };
}

function failureOf(error: unknown): NativeFailure {
  const said = error instanceof Error ? error.message : String(error);
  const { code } = error as NodeJS.ErrnoException;
  const absent = code === 'ERR_MODULE_NOT_FOUND' && said.includes("package 'onnxruntime-node'");
  return { installed: !absent, message: said.split('\n', 1)[0]! }; // require names its callers in further lines
}
