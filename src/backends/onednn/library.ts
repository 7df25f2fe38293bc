import type { StorageType } from './view.ts';

/** An address, or bytes that stand for theirs. */
export type Pointer = bigint | Uint8Array | null;
type Native = (...values: unknown[]) => unknown;

/** oneDNN's C interface, as far as this engine uses it: functions by their name without `dnnl_`. */
export interface Library {
  readonly version: string;
  readonly koffi: Pick<typeof import('koffi'), 'load' | 'view'>;
  /** Calls a function that returns a status. Throws where it is not success. */
  call(name: FunctionName, ...values: unknown[]): void;
  /** Calls a function whose first parameter is where its result goes. */
  make(name: FunctionName, ...values: unknown[]): bigint;
  /** The function itself, for calls that are made often. */
  raw(name: FunctionName): Native;
  setThreads(count: number): void;
}

const signatures = {
  memory_desc_init_by_strides: 'void*, int, void*, int, void*',
  memory_create: '_Out_ void**, void*, void*, void*',
  engine_create: '_Out_ void**, int, size_t',
  stream_create: '_Out_ void**, void*, unsigned int',
  primitive_desc_create: '_Out_ void**, void*, void*, void*, void*',
  primitive_create: '_Out_ void**, void*',
  primitive_execute: 'void*, void*, int, void*',
  primitive_attr_create: '_Out_ void**',
  primitive_attr_set_post_ops: 'void*, void*',
  post_ops_create: '_Out_ void**',
  post_ops_append_eltwise: 'void*, float, int, float, float',
  post_ops_append_binary: 'void*, int, void*',
  matmul_desc_init: 'void*, void*, void*, void*, void*',
  eltwise_forward_desc_init: 'void*, int, int, void*, float, float',
  eltwise_backward_desc_init: 'void*, int, void*, void*, float, float',
  binary_desc_init: 'void*, int, void*, void*, void*',
  layer_normalization_forward_desc_init: 'void*, int, void*, void*, float, unsigned int',
  layer_normalization_backward_desc_init: 'void*, int, void*, void*, void*, float, unsigned int',
  softmax_v2_forward_desc_init: 'void*, int, int, void*, void*, int',
  softmax_v2_backward_desc_init: 'void*, int, void*, void*, void*, int',
  reorder_primitive_desc_create: '_Out_ void**, void*, void*, void*, void*, void*',
} as const;

export type FunctionName = keyof typeof signatures;

const statuses = ['success', 'out of memory', 'invalid arguments', 'not implemented', 'not found'];

/** What to do where the library is missing. */
export const remedy = 'on Debian and Ubuntu: sudo apt-get install libdnnl2';

/** Loads oneDNN 2.x from the system. Throws an Error that says how to install it where it or its binding is missing. */
export async function loadLibrary(): Promise<Library> {
  const { default: koffi } = await import('koffi').catch(() => {
    throw new Error('the onednn engine needs the package koffi: npm install koffi');
  });
  const open = (name: string) => {
    try {
      return koffi.load(name);
    } catch {
      throw new Error(`the onednn engine needs ${name} (oneDNN 2.x); ${remedy}`);
    }
  };
  const library = open('libdnnl.so.2');
  const major = koffi.struct({ major: 'int', minor: 'int', patch: 'int' });
  const version = koffi.decode(library.func('void *dnnl_version()')(), major) as Record<string, number>;
  if (version.major !== 2 || version.minor! < 6)
    throw new Error(
      `the onednn engine takes oneDNN 2.6 to 2.7, got ${version.major}.${version.minor}.${version.patch}`,
    );
  const omp = open('libgomp.so.1').func('void omp_set_num_threads(int)');
  const loaded = new Map<string, Native>();
  const raw = (name: FunctionName) => {
    let native = loaded.get(name);
    if (!native) {
      native = library.func(`int dnnl_${name}(${signatures[name]})`) as Native;
      loaded.set(name, native);
    }
    return native;
  };
  const call = (name: FunctionName, ...values: unknown[]) => {
    const status = raw(name)(...values) as number;
    if (status !== 0) throw new Error(`oneDNN's ${name}: ${statuses[status] ?? `status ${status}`}`);
  };
  return {
    version: `${version.major}.${version.minor}.${version.patch}`,
    koffi,
    raw,
    call,
    make: (name, ...values) => {
      const result: [bigint | null] = [null];
      call(name, result, ...values);
      return result[0]!;
    },
    setThreads: (count) => omp(count),
  };
}

/** Numbers of the header dnnl_types.h, 2.x. */
export const dataTypes: Readonly<Record<StorageType, number>> = { bf16: 2, f32: 3, i32: 4, u8: 6 };
export const eltwiseKinds = {
  abs: 0x5f,
  sqrt: 0x6f,
  linear: 0x7f,
  exp: 0xbf,
  log: 0xef,
  pow: 0x20,
  gelu: 0x30,
} as const;
export const binaryKinds = {
  add: 0x1fff0,
  mul: 0x1fff1,
  max: 0x1fff2,
  min: 0x1fff3,
  div: 0x1fff4,
  sub: 0x1fff5,
} as const;
export const softmaxAccurate = 0x30000;
export const forwardTraining = 64;
export const backward = 128;
export const useScaleAndShift = 0x18;
/** Which operand of a primitive a memory is. */
export const operands = {
  src: 1,
  src1: 2,
  dst: 17,
  weights: 33,
  bias: 41,
  mean: 49,
  variance: 50,
  scale: 51,
  shift: 52,
  diffSrc: 129,
  diffDst: 145,
  diffScale: 255,
  diffShift: 256,
} as const;
/** The second operand of the binary function at this place among a product's post-operations. */
export const postOperand = (place: number) => (16384 * (place + 1)) | operands.src1;
