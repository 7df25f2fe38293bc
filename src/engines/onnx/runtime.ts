import type * as Ort from 'onnxruntime-common';

/** A build of onnxruntime: native or WebAssembly. */
export interface Runtime {
  readonly ort: Pick<typeof Ort, 'InferenceSession' | 'Tensor'>;
  readonly native: boolean;
  /** Execution providers. Default: cpu (native) or wasm. */
  readonly providers?: readonly Ort.InferenceSession.ExecutionProviderConfig[];
  readonly version: string;
  /** Why the native build is not in use, if it was requested. */
  readonly failure?: NativeFailure;
}

export interface NativeFailure {
  /** True if the package is installed but does not load. */
  readonly installed: boolean;
  /** The loader's error, in one line. */
  readonly message: string;
}

/**
 * Loads onnxruntime-node if it is installed, else onnxruntime-web's WebAssembly.
 * @param native false: always WebAssembly
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
  const message = error instanceof Error ? error.message : String(error);
  const { code } = error as NodeJS.ErrnoException;
  const absent = code === 'ERR_MODULE_NOT_FOUND' && message.includes("package 'onnxruntime-node'");
  return { installed: !absent, message: message.split('\n', 1)[0]! }; // further lines hold the stack of require
}
