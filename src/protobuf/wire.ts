/** Type of a field. `int`: int32 or int64; `ints`: a packed list of them; an object of fields: a nested message. */
type FieldType = 'int' | 'ints' | 'float' | 'double' | 'bool' | 'string' | 'bytes' | Fields;

/**
 * The fields of a message in the order of their numbers: name → number and type. An array of values is a repeated
 * field. A field with its type's default value (0, false, '', no bytes) is written only if `always` is set, as for
 * members of a `oneof`.
 */
export type Fields = {
  readonly [name: string]: readonly [number: number, type: FieldType, always?: 'always'];
};

// Wire types
const [VARINT, FIXED64, LENGTH, FIXED32] = [0, 1, 2, 5];

const utf8 = new TextEncoder();

/**
 * Encodes a message in the wire format of Protocol Buffers (protobuf.dev, "Encoding"); skips undefined fields. It
 * interprets the schema at run time, because a page's Content-Security-Policy forbids compiled code. Throws
 * RangeError for an integer that is not safe.
 */
export function encodeMessage(fields: Fields, message: object): Uint8Array<ArrayBuffer> {
  const measure = new Writer();
  measure.message(fields, message);
  const writer = new Writer(new Uint8Array(measure.at), measure.lengths);
  writer.message(fields, message);
  return writer.bytes!;
}

/** Writes a message. A first pass without a buffer only measures lengths, because a length precedes its content. */
class Writer {
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  /** Lengths of nested messages and packed lists, in the order of their beginnings. */
  readonly lengths: number[];
  at = 0;
  #next = 0;

  constructor(bytes?: Uint8Array<ArrayBuffer>, lengths: number[] = []) {
    this.bytes = bytes;
    this.lengths = lengths;
  }

  message(fields: Fields, message: object): void {
    const values = message as Readonly<Record<string, unknown>>;
    for (const name in fields) {
      const [number, type, always] = fields[name]!;
      const value = values[name];
      if (value === undefined || (!always && isDefault(value))) continue;
      if (Array.isArray(value) && type !== 'ints') for (const item of value) this.#field(number, type, item);
      else this.#field(number, type, value);
    }
  }

  #field(number: number, type: FieldType, value: unknown): void {
    if (type === 'int' || type === 'bool') {
      this.#tag(number, VARINT);
      this.#varint(Number(value));
    } else if (type === 'float') {
      this.#tag(number, FIXED32);
      this.#fixed(4, (view) => view.setFloat32(0, value as number, true));
    } else if (type === 'double') {
      this.#tag(number, FIXED64);
      this.#fixed(8, (view) => view.setFloat64(0, value as number, true));
    } else {
      this.#tag(number, LENGTH);
      if (type === 'string') this.#text(value as string);
      else if (type === 'bytes') this.#raw(value as Uint8Array);
      else if (type === 'ints') this.#nested(() => this.#list(value as number[]));
      else this.#nested(() => this.message(type, value as object));
    }
  }

  #list(values: readonly number[]): void {
    for (const value of values) this.#varint(value);
  }

  #tag(number: number, wireType: number): void {
    this.#varint(8 * number + wireType);
  }

  /** Seven bits per byte, low bits first. A negative number is encoded as 64 bits, in ten bytes. */
  #varint(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`an integer must be safe, got ${value}`);
    if (value < 0) {
      let rest = BigInt.asUintN(64, BigInt(value));
      for (; rest > 127n; rest >>= 7n) this.#byte(Number(rest & 127n) | 128);
      this.#byte(Number(rest));
    } else {
      let rest = value;
      for (; rest > 127; rest = Math.floor(rest / 128)) this.#byte((rest % 128) | 128);
      this.#byte(rest);
    }
  }

  #byte(value: number): void {
    if (this.bytes) this.bytes[this.at] = value;
    this.at++;
  }

  #fixed(length: number, set: (view: DataView) => void): void {
    if (this.bytes) set(new DataView(this.bytes.buffer, this.at));
    this.at += length;
  }

  #raw(bytes: Uint8Array): void {
    this.#varint(bytes.length);
    this.bytes?.set(bytes, this.at);
    this.at += bytes.length;
  }

  #text(text: string): void {
    if (!isAscii(text)) {
      this.#raw(utf8.encode(text));
      return;
    }
    this.#varint(text.length); // short names: faster than a call of TextEncoder
    if (this.bytes) for (let i = 0; i < text.length; i++) this.bytes[this.at + i] = text.charCodeAt(i);
    this.at += text.length;
  }

  #nested(write: () => void): void {
    const index = this.#next++;
    if (this.bytes) {
      this.#varint(this.lengths[index]!);
      write();
      return;
    }
    const begin = this.at;
    write();
    this.lengths[index] = this.at - begin;
    this.#varint(this.lengths[index]!);
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/** -0 is not a default: its bits differ. */
function isDefault(value: unknown): boolean {
  if (typeof value === 'number') return Object.is(value, 0);
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length === 0;
  return value === '' || value === false;
}
