import type koffi from 'koffi';
import { structs } from './layout.ts';

export type Koffi = typeof koffi;
export type StructName = keyof typeof structs;

/** A pointer. Its owner keeps the memory alive. */
export type Address = bigint;

/** Value of a field: a number, an address, or memory of JavaScript, which lives as long as the struct. */
export type FieldValue = number | bigint | boolean | Struct | Uint8Array | undefined;

type Fields = Readonly<Record<string, readonly [offset: number, bytes: number]>>;

/** A C struct of the PJRT API in JavaScript's memory. */
export class Struct {
  readonly bytes: Uint8Array;
  readonly #koffi: Koffi;
  readonly #view: DataView;
  readonly #fields: Fields;
  /** Keeps the memory alive that fields point to. */
  readonly #held: unknown[] = [];

  constructor(koffi: Koffi, name: StructName, values: Readonly<Record<string, FieldValue>> = {}) {
    const { size, fields } = structs[name];
    this.#koffi = koffi;
    this.bytes = native(size);
    this.#view = new DataView(this.bytes.buffer);
    this.#fields = fields as unknown as Fields;
    this.set('struct_size', size);
    for (const [field, value] of Object.entries(values)) this.set(field, value);
  }

  get address(): Address {
    return this.#koffi.address(this.bytes);
  }

  set(field: string, value: FieldValue): void {
    const [offset, width] = this.#fields[field]!;
    if (typeof value === 'object') this.#held.push(value);
    const plain = this.#plain(value);
    if (width === 8) this.#view.setBigUint64(offset, BigInt.asUintN(64, BigInt(plain)), true);
    else if (width === 4) this.#view.setInt32(offset, Number(plain), true);
    else this.#view.setUint8(offset, Number(plain));
  }

  /** Writes a C float. */
  setFloat(field: string, value: number): void {
    this.#view.setFloat32(this.#fields[field]![0], value, true);
  }

  /** A field as an address or an unsigned 64-bit integer. */
  big(field: string): bigint {
    return this.#view.getBigUint64(this.#fields[field]![0], true);
  }

  /** A field as a number. */
  number(field: string): number {
    const [offset, width] = this.#fields[field]!;
    if (width === 8) return Number(this.#view.getBigInt64(offset, true));
    return width === 4 ? this.#view.getInt32(offset, true) : this.#view.getUint8(offset);
  }

  #plain(value: FieldValue): number | bigint | boolean {
    if (value instanceof Struct) return value.address;
    return value instanceof Uint8Array ? this.#koffi.address(value) : (value ?? 0);
  }
}

/** Zeros at a fixed address: allocated off V8's heap. */
export function native(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(Math.max(size, 8)));
}

/** Text in C's format, and its length. */
export function cString(text: string): { bytes: Uint8Array; length: number } {
  const encoded = new TextEncoder().encode(text);
  const bytes = native(encoded.length + 1);
  bytes.set(encoded);
  return { bytes, length: encoded.length };
}

/** A copy of a plugin's memory. */
export function copyFrom(koffi: Koffi, address: Address, length: number): Uint8Array<ArrayBuffer> {
  return length === 0 ? native(0).slice(0, 0) : new Uint8Array(koffi.view(address, length)).slice();
}
