import { plural } from '../text/plural.ts';
import { type Pickled, PickleFault } from './pickle-values.ts';

const MARK = Symbol('mark');
const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** State of a pickle machine: its bytes, the stack with its marks, and the memo. */
export class PickleStack {
  readonly memo = new Map<number, Pickled>();
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #values: Pickled[] = [];
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The next `count` bytes, not copied. */
  take(count: number): Uint8Array {
    const left = this.#bytes.length - this.#at;
    if (count > left)
      throw new PickleFault('a pickle must not end before its STOP', `${plural(left, 'byte')} left`);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** An unsigned little-endian integer of 1, 2, 4 or 8 bytes. */
  uint(size: 1 | 2 | 4 | 8): number {
    this.take(size);
    const at = this.#at - size;
    if (size === 1) return this.#view.getUint8(at);
    if (size === 2) return this.#view.getUint16(at, true);
    if (size === 4) return this.#view.getUint32(at, true);
    return Number(this.#view.getBigUint64(at, true)); // a size: inexact numbers are too large anyway
  }

  int32(): number {
    return this.uint(4) | 0;
  }

  /** A big-endian double. */
  double(): number {
    this.take(8);
    return this.#view.getFloat64(this.#at - 8, false);
  }

  /** A signed little-endian integer of at most 255 bytes; a bigint if a double cannot hold it. */
  long(size: number): number | bigint {
    const bytes = this.take(size);
    const value = BigInt.asIntN(
      8 * size,
      bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n),
    );
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  utf8(size: number): string {
    const bytes = this.take(size);
    try {
      return text.decode(bytes);
    } catch {
      throw new PickleFault('text in a pickle must be UTF-8', 'other bytes');
    }
  }

  /** Text up to the end of the line. */
  line(): string {
    const end = this.#bytes.subarray(this.#at, this.#at + 1024).indexOf(0x0a);
    if (end < 0) throw new PickleFault('a name in a pickle must end with its line', 'more than 1024 bytes');
    const name = this.utf8(end);
    this.take(1);
    return name;
  }

  push(value: Pickled): void {
    this.#values.push(value);
  }

  pop(): Pickled {
    const value = this.top();
    this.#values.pop();
    return value;
  }

  /** The top value. */
  top(): Pickled {
    const value = this.#values.at(-1);
    if (this.#values.length === 0 || value === MARK)
      throw new PickleFault('an operation of a pickle must find its value on the stack', 'none');
    return value;
  }

  mark(): void {
    this.#values.push(MARK);
  }

  /** Pops all values above the last mark, and the mark. */
  popMark(): Pickled[] {
    const at = this.#values.lastIndexOf(MARK);
    if (at < 0) throw new PickleFault('an operation of a pickle must find its mark on the stack', 'none');
    return this.#values.splice(at).slice(1);
  }

  /** Pops `count` values, in the order in which they were pushed. */
  popMany(count: number): Pickled[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }
}
