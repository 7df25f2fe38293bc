import { plural } from '../text/plural.ts';
import { DTYPES, type Dtype, elementCount, isDtype } from './dtypes.ts';
import { FileFormatError } from './file-format-error.ts';
import { findJsonFault } from './json-scan.ts';

/** Limit of the format's reference implementation (safetensors, `MAX_HEADER_SIZE`). */
export const MAX_HEADER_BYTES = 100_000_000;
/** Limit of axes (NumPy's limit is 64). */
const MAX_RANK = 64;
const METADATA = '__metadata__';

/** Place of a tensor: `begin` and `bytes` count from the first byte after the header. */
export interface TensorInfo {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly bytes: number;
}

export interface Header {
  readonly metadata: Record<string, string>;
  /** In the order of the file. */
  readonly tensors: Map<string, TensorInfo>;
}

/**
 * Parses and checks the JSON header of a safetensors file (the bytes between the 8-byte length and the data).
 * Afterwards every tensor lies inside the `dataBytes` that follow, without gaps or overlaps. `file` names the file in
 * errors. Throws `FileFormatError`.
 */
export function parseHeader(json: Uint8Array, dataBytes: number, file: string): Header {
  const fail = (rule: string, got: unknown) => new FileFormatError(file, rule, got);
  const root = parseObject(json, file);
  const metadata: Record<string, string> = Object.create(null); // no inherited keys, `__proto__` is plain
  const infos: [string, TensorInfo][] = [];
  for (const [name, value] of Object.entries(root)) {
    if (name !== METADATA) {
      requireWellFormed(name, file);
      infos.push([name, tensorInfo(name, value, file)]);
      continue;
    }
    if (!isRecord(value)) throw fail('the metadata must be an object', value);
    for (const [key, text] of Object.entries(value)) {
      if (typeof text !== 'string') throw fail(`metadata ${JSON.stringify(key)} must be a string`, text);
      metadata[key] = text;
    }
  }
  infos.sort(([, a], [, b]) => a.begin - b.begin || a.bytes - b.bytes);
  let end = 0;
  for (const [name, info] of infos) {
    if (info.begin !== end)
      throw fail(
        `tensor ${JSON.stringify(name)} must begin where the one before it ends, at ${end}`,
        info.begin,
      );
    end += info.bytes;
  }
  const filled = plural(Math.max(end, dataBytes), 'byte');
  if (end > dataBytes)
    throw fail(
      `a safetensors file must be whole, with ${filled} of data; download or write it again`,
      dataBytes,
    );
  if (end < dataBytes) throw fail(`the tensors must fill the file's ${filled} of data`, end);
  return { metadata, tensors: new Map(infos) };
}

/** The header's bytes after their 8-byte length, padded with spaces to a multiple of 8. */
export function encodeHeader(
  tensors: ReadonlyMap<string, TensorInfo>,
  metadata: Record<string, string>,
): Uint8Array {
  // Built as text: an object would reorder integer-like names and swallow `__proto__`.
  const entries = [...tensors].map(([name, { dtype, shape, begin, bytes }]) => {
    return [name, { dtype, shape, data_offsets: [begin, begin + bytes] }] as const;
  });
  const members = entries.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  const pairs = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (pairs.length > 0) {
    const body = pairs.map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`).join(',');
    members.unshift(`"${METADATA}":{${body}}`);
  }
  const json = new TextEncoder().encode(`{${members.join(',')}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  if (padded > MAX_HEADER_BYTES)
    throw new RangeError(`a safetensors header must not exceed ${MAX_HEADER_BYTES} bytes, got ${padded}`);
  const bytes = new Uint8Array(8 + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  return bytes;
}

/** False for half of a surrogate pair, which has no UTF-8 form. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function requireWellFormed(name: string, file: string): void {
  if (!isWellFormed(name)) throw new FileFormatError(file, 'tensor names must be well-formed Unicode', name);
}

function parseObject(json: Uint8Array, file: string): Record<string, unknown> {
  const fail = (rule: string, got: unknown) => new FileFormatError(file, rule, got);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
  } catch {
    throw fail('the header must be UTF-8', 'other bytes');
  }
  if (!text.startsWith('{')) throw fail('the header must start with "{"', text.slice(0, 8));
  const fault = findJsonFault(text, 8);
  if (fault?.kind === 'depth') throw fail('the header must nest at most 8 deep', 'more');
  if (fault) throw fail('names in the header must be unique', fault.key);
  try {
    return JSON.parse(text); // an object, as it starts with "{"
  } catch (error) {
    throw fail('the header must be JSON', (error as Error).message);
  }
}

function tensorInfo(name: string, value: unknown, file: string): TensorInfo {
  const fail = (rule: string, got: unknown) =>
    new FileFormatError(file, `tensor ${JSON.stringify(name)}: ${rule}`, got);
  if (!isRecord(value)) throw fail('its entry must be an object', value);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype)) throw fail(`dtype must be one of ${Object.keys(DTYPES).join(', ')}`, dtype);
  if (!isSizes(shape)) throw fail('shape must be a list of whole numbers from 0', shape);
  if (shape.length > MAX_RANK) throw fail(`shape must have at most ${MAX_RANK} axes`, shape.length);
  if (!isSizes(offsets) || offsets.length !== 2)
    throw fail('data_offsets must be two whole numbers', offsets);
  const [begin, end] = offsets as [number, number];
  const bytes = elementCount(shape) * DTYPES[dtype].bytes;
  // An overflowing product cannot equal a safe difference of safe integers.
  if (end - begin !== bytes)
    throw fail(`data_offsets must span the ${plural(bytes, 'byte')} of its shape`, offsets);
  return { dtype, shape, begin, bytes };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
