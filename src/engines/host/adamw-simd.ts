/**
 * AdamW's update in WebAssembly SIMD, four weights at a time. Scalar JavaScript would spend most of its time in
 * double-precision divisions and roots. Values are copied in chunks to scratch memory that fits the cache, so the arrays
 * may lie anywhere.
 *
 * The module is assembled below, instruction by instruction (WebAssembly 2.0, binary format, section 5).
 */

/** Floats of each array per chunk of scratch memory. */
const CHUNK = 1 << 15;
const BYTES = 4 * CHUNK;
const arrays = { weight: 0, gradient: BYTES, m: 2 * BYTES, v: 3 * BYTES };
const PAGES = (4 * BYTES) / 65536;

/** Factors of the update, in the order of the function's parameters. */
const factors = ['scale', 'beta1', 'rest1', 'beta2', 'rest2', 'keep', 'step', 'shrink', 'epsilon'] as const;
export type Factors = Readonly<Record<(typeof factors)[number], number>>;

// Types and instructions
const [I32, F32, V128] = [0x7f, 0x7d, 0x7b];
const END = 0x0b;
const unsigned = (n: number): number[] =>
  n < 128 ? [n] : [(n % 128) + 128, ...unsigned(Math.floor(n / 128))];
const get = (local: number) => [0x20, ...unsigned(local)];
const set = (local: number) => [0x21, ...unsigned(local)];
const simd = (code: number, ...operands: readonly (readonly number[])[]) => [
  ...operands.flat(),
  0xfd,
  ...unsigned(code),
];
const splat = (x: readonly number[]) => simd(0x13, x);
const sqrt = (x: readonly number[]) => simd(0xe3, x);
const add = (x: readonly number[], y: readonly number[]) => simd(0xe4, x, y);
const sub = (x: readonly number[], y: readonly number[]) => simd(0xe5, x, y);
const mul = (x: readonly number[], y: readonly number[]) => simd(0xe6, x, y);
const div = (x: readonly number[], y: readonly number[]) => simd(0xe7, x, y);

// Locals: the end in bytes, the factors, the position in bytes, each factor as a vector, and three work vectors
const end = 0;
const place = factors.length + 1;
const factor = Object.fromEntries(factors.map((name, i) => [name, get(place + 1 + i)])) as Record<
  keyof Factors,
  number[]
>;
const [g, m, v] = [0, 1, 2].map((i) => place + 1 + factors.length + i) as [number, number, number];

const load = (offset: number) => [...get(place), 0xfd, 0x00, 4, ...unsigned(offset)];
const store = (offset: number, x: readonly number[]) => [
  ...get(place),
  ...x,
  0xfd,
  0x0b,
  4,
  ...unsigned(offset),
];

const body = [
  ...factors.flatMap((_, i) => [...splat(get(i + 1)), ...set(place + 1 + i)]),
  ...[0x03, 0x40], // loop
  ...[...mul(load(arrays.gradient), factor.scale), ...set(g)],
  ...[...add(mul(factor.beta1, load(arrays.m)), mul(factor.rest1, get(g))), ...set(m)],
  ...[...add(mul(factor.beta2, load(arrays.v)), mul(mul(factor.rest2, get(g)), get(g))), ...set(v)],
  ...store(arrays.m, get(m)),
  ...store(arrays.v, get(v)),
  ...store(
    arrays.weight,
    sub(
      mul(factor.keep, load(arrays.weight)),
      div(mul(factor.step, get(m)), add(mul(sqrt(get(v)), factor.shrink), factor.epsilon)),
    ),
  ),
  ...[...get(place), 0x41, 16, 0x6a, 0x22, place], // place += 16
  ...[...get(end), 0x49, 0x0d, 0], // repeat while place < end
  ...[END, END],
];

const section = (id: number, content: readonly number[]) => [id, ...unsigned(content.length), ...content];
const name = (text: string) => [text.length, ...new TextEncoder().encode(text)];
const locals = [2, 1, I32, factors.length + 3, V128];
const code = [...locals, ...body];
const module = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [1, 0x60, factors.length + 1, I32, ...factors.map(() => F32), 0]),
  ...section(3, [1, 0]),
  ...section(5, [1, 0, ...unsigned(PAGES)]),
  ...section(7, [2, ...name('update'), 0, 0, ...name('memory'), 2, 0]),
  ...section(10, [1, ...unsigned(code.length), ...code]),
]);

// TypeScript declares WebAssembly in its DOM library only.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module);
    readonly exports: Readonly<Record<string, unknown>>;
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
}

type Update = (bytes: number, ...factors: readonly number[]) => void;
let scratch: { update: Update; views: Record<keyof typeof arrays, Float32Array> } | undefined;

function prepare() {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module));
  const { buffer } = exports.memory as WebAssembly.Memory;
  const view = (offset: number) => new Float32Array(buffer, offset, CHUNK);
  const views = Object.fromEntries(Object.entries(arrays).map(([name, offset]) => [name, view(offset)]));
  return { update: exports.update as Update, views: views as Record<keyof typeof arrays, Float32Array> };
}

/**
 * Updates in place, in single precision: g = scale · gradient, m = beta1 · m + rest1 · g, v = beta2 · v + rest2 · g²,
 * weight = keep · weight − step · m / (√v · shrink + epsilon).
 */
export function adamwInPlace(
  weight: Float32Array,
  gradient: Float32Array,
  m: Float32Array,
  v: Float32Array,
  values: Factors,
): void {
  scratch ??= prepare();
  const { update, views } = scratch;
  const numbers = factors.map((name) => values[name]);
  for (let start = 0; start < weight.length; start += CHUNK) {
    const stop = Math.min(start + CHUNK, weight.length);
    views.weight.set(weight.subarray(start, stop));
    views.gradient.set(gradient.subarray(start, stop));
    views.m.set(m.subarray(start, stop));
    views.v.set(v.subarray(start, stop));
    // The last vector may exceed the arrays and end in unused scratch memory.
    update(4 * (stop - start), ...numbers);
    weight.set(views.weight.subarray(0, stop - start), start);
    m.set(views.m.subarray(0, stop - start), start);
    v.set(views.v.subarray(0, stop - start), start);
  }
}
