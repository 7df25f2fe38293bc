import type { FilterName } from '../../image/view.ts';
import type { RawImage } from '../sources/dataset.ts';
import type { Crop } from './crop.ts';
import { writePlanar } from './planar.ts';
import { bytes } from './resize-simd.ts';

/** Pixels [height, width, channels] that are read when they are needed. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Fills `target` with the bytes from `from` on. */
  read(from: number, target: Uint8Array): void;
}

/**
 * Carries out a crop, except for its mirroring: the box is resized with a filter of PIL (by default the bicubic one, a = −0.5; widened
 * when shrinking, renormalised at the box's edges), and of that only the window is computed.
 * Arithmetic and rounding are PIL's too (22-bit fixed point), so the result is the same bytes.
 * Takes a few tenths of a millisecond for a view of 224 × 224.
 */
export function cropResize(image: RawImage | Pixels, crop: Crop): RawImage {
  const { width, height } = crop.window;
  return { width, height, channels: image.channels, data: resize(image, crop, false).slice() };
}

/**
 * Like `cropResize`, with the mirroring, and writes the view as planes [channels, height, width] of bytes into `out`
 * from `offset` on. Other channels than the image's are made as `writePlanar` does.
 */
export function cropPlanes(
  image: RawImage | Pixels,
  crop: Crop,
  channels: number,
  out: Uint8Array,
  offset: number,
): void {
  if (image.channels === channels) out.set(resize(image, crop, true), offset);
  else writePlanar(cropResize(image, crop), channels, crop.flip, out, offset);
}

const STRIP = 16; // rows that are resized across at once, one in each byte of a vector

/** The window in the memory of the SIMD procedures, until the next call: as planes with the mirroring, or as pixels. */
function resize(image: RawImage | Pixels, crop: Crop, planes: boolean): Uint8Array {
  const { box, resized, window, flip, filter: name = 'bicubic' } = crop;
  const across = filter(name, box.width, resized[1], window.x, window.width);
  const down = filter(name, box.height, resized[0], window.y, window.height);

  // Only those rows that the window needs.
  const { top } = down;
  const { channels } = image;
  const rows = down.end - top;
  const line = image.width * channels;
  const first = (box.y + top) * line + box.x * channels;
  const length = (rows - 1) * line + box.width * channels;
  const strips = Math.ceil(rows / STRIP);
  const left = across.top;
  const columns = Math.ceil((channels * (across.end - left)) / STRIP);

  const [parts, samples] = planes ? [channels, window.width] : [1, channels * window.width];
  const blocks = Math.ceil(samples / STRIP);
  const padded = blocks * STRIP;
  const size = channels * window.width * window.height;
  const pixel = channels * STRIP;
  const { memory, place, transposeBlocks, weightedSum } = layout({
    acrossTable: across.table.byteLength,
    acrossWeights: across.weights.byteLength,
    downTable: down.table.byteLength,
    downWeights: down.weights.byteLength,
    input: (strips * STRIP + 1) * line, // the last strip may have fewer rows
    transposed: STRIP * STRIP * columns + 2 * pixel,
    before: STRIP * pixel, // mirrored lines are read a block beyond their end
    narrow: pixel * (window.width + 2 * STRIP),
    middle: (strips * STRIP + 2) * parts * padded, // [rows, parts, padded]
    output: size, // [parts, window.height, samples]
  });
  const target = new Uint8Array(memory.buffer, place.input, length);
  if ('read' in image) image.read(first, target);
  else target.set(image.data.subarray(first, first + length));
  for (const [name, { table, weights }] of [
    ['across', across],
    ['down', down],
  ] as const) {
    new Int32Array(memory.buffer, place[`${name}Table`]).set(table);
    new Int16Array(memory.buffer, place[`${name}Weights`]).set(weights);
  }
  // Where the first sample of each part lies in a strip's result [window.width, channels, STRIP], and how far the next one is.
  const stride = planes ? (flip ? -pixel : pixel) : STRIP;
  const start = place.narrow + (flip && planes ? (window.width - 1) * pixel : 0);
  const { input, transposed, narrow, middle, output } = place;
  const wide = parts * padded;
  for (let strip = 0; strip < strips; strip++) {
    transposeBlocks(
      input + strip * STRIP * line + channels * left,
      line,
      STRIP,
      transposed,
      STRIP,
      STRIP * STRIP,
      columns,
    );
    const source = transposed - left * pixel;
    weightedSum(source, pixel, channels, place.acrossTable, place.acrossWeights, window.width, narrow, pixel);
    for (let part = 0; part < parts; part++) {
      const to = middle + strip * STRIP * wide + part * padded;
      transposeBlocks(start + part * STRIP, stride, STRIP * stride, to, wide, STRIP, blocks);
    }
  }
  for (let part = 0; part < parts; part++) {
    const source = middle - top * wide + part * padded;
    const to = output + part * window.height * samples;
    weightedSum(source, wide, blocks, place.downTable, place.downWeights, window.height, to, samples);
  }
  return new Uint8Array(memory.buffer, output, size);
}

const BITS = 22;

/** Outputs as weighted sums of inputs, as the SIMD procedure `weightedSum` takes them. */
interface Filter {
  /** The first input that any output needs, and one behind the last. */
  readonly top: number;
  readonly end: number;
  /** For each output its first input and its number of pairs of inputs. */
  readonly table: Int32Array;
  /** For every pair of inputs [high 0, high 1, low 0, low 1]: a weight of 22 bits is 2^15 high + low. */
  readonly weights: Int16Array;
}

/** Crops of images of a few sizes have the same filters again and again. */
const KEPT_FILTERS = 1024; // about 7 kB each
const filters = new Map<string, Filter>();

/** The outputs `first` … `first + count − 1` of resizing `from` samples to `to`. */
function filter(name: FilterName, from: number, to: number, first: number, count: number): Filter {
  const key = `${name} ${from} ${to} ${first} ${count}`;
  const cached = filters.get(key);
  if (cached) return cached;
  if (filters.size === KEPT_FILTERS) filters.clear();
  const made = makeFilter(name, from, to, first, count);
  filters.set(key, made);
  return made;
}

function makeFilter(name: FilterName, from: number, to: number, first: number, count: number): Filter {
  const [kernel, reach] = kernels[name];
  const scale = from / to;
  const widened = name === 'nearest' ? 1 : Math.max(scale, 1);
  const support = reach * widened;
  const taps = Math.min(from, 2 * Math.ceil(support) + 1);
  const exact = new Float64Array(taps);
  const fixed = new Int32Array(taps + 1);
  const table = new Int32Array(2 * count);
  const weights = new Int16Array(4 * count * Math.ceil(taps / 2));
  let [top, end, at] = [from, 0, 0];
  for (let i = 0; i < count; i++) {
    const centre = (first + i + 0.5) * scale;
    const lo = Math.max(0, Math.floor(centre - support + 0.5));
    const hi = Math.min(from, lo + taps, Math.floor(centre + support + 0.5));
    let sum = 0;
    for (let x = lo; x < hi; x++) sum += exact[x - lo] = kernel((x + 0.5 - centre) / widened);
    let [begin, used] = [hi - lo, 0];
    fixed.fill(0);
    for (let k = 0; k < hi - lo; k++) {
      const w = (exact[k]! / sum) * (1 << BITS);
      fixed[k] = w < 0 ? w - 0.5 : w + 0.5; // the array cuts off the fraction
      if (fixed[k] === 0) continue;
      begin = Math.min(begin, k);
      used = k + 1;
    }
    const pairs = Math.ceil((used - begin) / 2);
    table[2 * i] = lo + begin;
    table[2 * i + 1] = pairs;
    for (let k = begin; k < begin + 2 * pairs; k += 2, at += 4) {
      const [a, b] = [fixed[k]!, fixed[k + 1]!];
      weights.set([a >> 15, b >> 15, a & 32767, b & 32767], at);
    }
    top = Math.min(top, lo + begin);
    end = Math.max(end, lo + used);
  }
  return { top, end, table, weights: weights.slice(0, at) };
}

/** Kernels with their reach to either side, as PIL has them (`libImaging/Resample.c`); the nearest pixel is a box that is not widened. */
const kernels: Readonly<Record<FilterName, readonly [kernel: (x: number) => number, reach: number]>> = {
  nearest: [box, 0.5],
  box: [box, 0.5],
  bilinear: [(x) => Math.max(0, 1 - Math.abs(x)), 1],
  hamming: [(x) => (Math.abs(x) < 1 ? sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)) : 0), 1],
  bicubic: [cubic, 2],
  lanczos: [(x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0), 3],
};

/** 1 in a pixel's width, its upper end included. */
function box(x: number): number {
  return x > -0.5 && x <= 0.5 ? 1 : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Keys' cubic kernel with a = −0.5 (Catmull-Rom). */
function cubic(x: number): number {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  if (d < 2) return ((-0.5 * d + 2.5) * d - 4) * d + 2;
  return 0;
}

// Part of every engine of JavaScript, but of no declarations outside of the browser's.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module);
    readonly exports: unknown;
  }
}

interface Simd {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): void };
  readonly transposeBlocks: (...args: number[]) => void;
  readonly weightedSum: (...args: number[]) => void;
}
let module: WebAssembly.Module | undefined;
let simd: Simd | undefined;

const KEEP = 2 ** 26; // memory that one large image has left behind, more than this, is given back
const SLACK = 64; // the procedures may read and write a vector beyond the end

/** Addresses of arrays of these sizes, in bytes, in the memory of the SIMD procedures, which is grown when it is too small. */
function layout<K extends string>(sizes: Record<K, number>) {
  let end = 0;
  const place = {} as Record<K, number>;
  for (const [name, size] of Object.entries<number>(sizes)) {
    place[name as K] = end;
    end += Math.ceil((size + SLACK) / SLACK) * SLACK;
  }
  if (!simd || simd.memory.buffer.byteLength > end + KEEP) {
    module ??= new WebAssembly.Module(bytes);
    simd = new WebAssembly.Instance(module).exports as Simd;
  }
  const missing = end - simd.memory.buffer.byteLength;
  if (missing > 0) simd.memory.grow(Math.ceil(missing / 65536));
  return { place, ...simd };
}
