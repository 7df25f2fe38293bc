import type { Library } from './library.ts';

export const HUGE_PAGE = 2 ** 21;
const PAGE = 4096n;
const CHUNK = 2 ** 26;
const ALIGNMENT = 64n;

/** Memory outside of JavaScript's heap, in huge pages if available, which cause few page faults. */
export class Memory {
  readonly #library: Library;
  readonly #map: (bytes: number) => bigint;
  #next = 0n;
  #end = 0n;

  constructor(library: Library) {
    this.#library = library;
    const libc = library.koffi.load('libc.so.6');
    const mmap = libc.func('void *mmap(void *, size_t, int, int, int, int64_t)');
    const madvise = libc.func('int madvise(void *, size_t, int)');
    const [readWrite, privateAnonymous, hugePages] = [3, 0x22, 14];
    this.#map = (bytes) => {
      const start = mmap(null, bytes, readWrite, privateAnonymous, -1, 0) as bigint;
      if (BigInt.asIntN(64, start) === -1n)
        throw new Error(`${(bytes / 1e9).toFixed(1)} GB of memory could not be allocated`);
      madvise(start, bytes, hugePages);
      return start;
    };
  }

  /** Allocates zeros at a fixed address. */
  allocate(bytes: number): bigint {
    if (bytes > Number(this.#end - this.#next)) {
      const size = bytes > CHUNK / 4 ? roundUp(bytes, HUGE_PAGE) : CHUNK;
      const huge = BigInt(HUGE_PAGE);
      const start = ((this.#map(size + HUGE_PAGE) + huge - 1n) / huge) * huge;
      if (size !== CHUNK) return start;
      this.#next = start;
      this.#end = start + BigInt(size);
    }
    const address = this.#next;
    this.#next = ((address + BigInt(bytes) + ALIGNMENT - 1n) / ALIGNMENT) * ALIGNMENT;
    return address;
  }

  /** The bytes at an address. */
  bytes(address: bigint, length: number): Uint8Array {
    return length === 0
      ? new Uint8Array()
      : new Uint8Array(this.#library.koffi.view(address, length), 0, length);
  }
}

const roundUp = (bytes: number, unit: number) => Math.ceil(bytes / unit) * unit;

/** Populates pages of memory in advance rather than at their first write. */
export function populateAt({ koffi }: Library): (address: bigint, bytes: number) => void {
  const madvise = koffi.load('libc.so.6').func('int madvise(size_t, size_t, int)');
  const populateWrite = 23;
  // Linux before 5.14 does not support this advice. It is only an optimisation.
  return (address, bytes) => {
    const before = address % PAGE;
    madvise(address - before, bytes + Number(before), populateWrite);
  };
}

/** The floats at an address. Repeated calls return the same array. */
export function memoryAt({ koffi }: Library): (address: bigint, floats: number) => Float32Array {
  const known = new Map<bigint, Float32Array>();
  return (address, floats) => {
    let array = known.get(address);
    if (array?.length !== floats) {
      array = floats > 0 ? new Float32Array(koffi.view(address, 4 * floats)) : new Float32Array();
      known.set(address, array);
    }
    return array;
  };
}
