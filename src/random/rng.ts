/**
 * Seeded random numbers, equal on every platform and engine.
 *
 * Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011):
 * block n of a stream is a keyed bijection of the counter n, so (seed, keys) is the whole state.
 * Keys are folded in one after another, as by JAX's `fold_in`.
 */

/** One key of a stream's name: a safe integer or a string. */
export type RngKey = number | string;

/** A stream of random numbers. Streams with different names are independent. */
export interface Rng {
  /** 32 random bits, an integer in [0, 2^32). */
  uint32(): number;
  /** Uniform in [lo, hi), by default [0, 1), with 53 random bits. */
  uniform(lo?: number, hi?: number): number;
  /** Uniform integer in [0, n), without bias. Throws RangeError unless n is an integer in [1, 2^32]. */
  int(n: number): number;
  /** Normal with the given mean (0) and standard deviation (1). */
  normal(mean?: number, std?: number): number;
  /** A uniformly random permutation of 0 … n − 1: Int32Array [n]. */
  permutation(n: number): Int32Array;
  /** The stream named by this stream's name and further keys. Does not depend on earlier draws. */
  derive(...keys: RngKey[]): Rng;
}

/**
 * The stream named (seed, ...keys), e.g. `rng(seed, 'crop', epoch, index)`. The number 1 and the string '1' are
 * different keys. Throws RangeError for a number that is not a safe integer.
 */
export function rng(seed: number, ...keys: RngKey[]): Rng {
  const [low, high] = fold(fold([0, 0], seed), ...keys);
  return new Threefry(low, high);
}

type Words = readonly [number, number];

// The upper bits of a counter encode its purpose, so that a stream never uses the key of another one.
const INTEGER = 1 << 24;
const STRING = 2 << 24;
const CHARACTER = 3 << 24;

function fold(words: Words, ...keys: RngKey[]): Words {
  let [low, high] = words;
  const block = new Uint32Array(2);
  const absorb = (a: number, b: number) => {
    threefry(low, high, a, b, block);
    low = block[0]!;
    high = block[1]!;
  };
  for (const key of keys) {
    if (typeof key === 'string') {
      absorb(key.length, STRING);
      for (let i = 0; i < key.length; i++) absorb(key.charCodeAt(i), CHARACTER);
    } else {
      if (!Number.isSafeInteger(key)) throw new RangeError(`a random key must be a safe integer, got ${key}`);
      absorb(key >>> 0, INTEGER | (Math.floor(key / 2 ** 32) & 0x3fffff));
    }
  }
  return [low, high];
}

class Threefry implements Rng {
  readonly #low: number;
  readonly #high: number;
  readonly #block = new Uint32Array(2);
  #counter = 0;
  #used = true; // true once the block's second word is used
  #spare = Number.NaN; // second normal of the last pair

  constructor(low: number, high: number) {
    this.#low = low;
    this.#high = high;
  }

  uint32(): number {
    this.#used = !this.#used;
    if (this.#used) return this.#block[1]!;
    const n = this.#counter++;
    threefry(this.#low, this.#high, n >>> 0, (n / 2 ** 32) >>> 0, this.#block);
    return this.#block[0]!;
  }

  uniform(lo = 0, hi = 1): number {
    const unit = ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) * 2 ** -53;
    const value = lo + (hi - lo) * unit;
    return value < hi ? value : lo; // the sum may round up to hi
  }

  int(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new RangeError(`int(n) needs an integer n in [1, 2^32], got ${n}`);
    }
    const limit = 2 ** 32 - (2 ** 32 % n); // rejecting larger values removes the bias
    let value = this.uint32();
    while (value >= limit) value = this.uint32();
    return value % n;
  }

  // Marsaglia's polar method. It needs no sine or cosine, whose last bit differs between JavaScript engines.
  normal(mean = 0, std = 1): number {
    if (!Number.isNaN(this.#spare)) {
      const spare = this.#spare;
      this.#spare = Number.NaN;
      return mean + std * spare;
    }
    let x: number;
    let y: number;
    let r2: number;
    do {
      x = this.uniform(-1, 1);
      y = this.uniform(-1, 1);
      r2 = x * x + y * y;
    } while (r2 >= 1 || r2 === 0);
    const scale = Math.sqrt((-2 * Math.log(r2)) / r2);
    this.#spare = y * scale;
    return mean + std * (x * scale);
  }

  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const kept = order[i]!;
      order[i] = order[j]!;
      order[j] = kept;
    }
    return order;
  }

  derive(...keys: RngKey[]): Rng {
    const [low, high] = fold([this.#low, this.#high], ...keys);
    return new Threefry(low, high);
  }
}

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];

/**
 * Threefry-2x32-20: encrypts the counter (a, b) under the key (low, high) into `out`, two uint32.
 * Exported for its test against the published vectors.
 */
export function threefry(low: number, high: number, a: number, b: number, out: Uint32Array): void {
  const parity = 0x1bd11bda ^ low ^ high;
  let x = (a + low) | 0;
  let y = (b + high) | 0;
  for (let round = 0; round < 20; round++) {
    const r = ROTATIONS[round & 7]!;
    x = (x + y) | 0;
    y = ((y << r) | (y >>> (32 - r))) ^ x;
    if ((round & 3) === 3) {
      const s = (round + 1) >> 2; // the key words take turns: low, high, parity
      const p = s % 3;
      x = (x + (p === 0 ? low : p === 1 ? high : parity)) | 0;
      y = (y + (p === 0 ? high : p === 1 ? parity : low) + s) | 0;
    }
  }
  out[0] = x;
  out[1] = y;
}
