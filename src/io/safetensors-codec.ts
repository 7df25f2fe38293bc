import { plural } from '../text/plural.ts';
import { DTYPES, type Dtype, elementCount, isDtype, type NamedTensor } from './dtypes.ts';
import { FileFormatError } from './file-format-error.ts';
import {
  encodeHeader,
  isWellFormed,
  MAX_HEADER_BYTES,
  parseHeader,
  type TensorInfo,
} from './safetensors-header.ts';

export interface SafetensorsFile {
  readonly metadata: Record<string, string>;
  /** In the order of the file. */
  readonly tensors: Map<string, NamedTensor>;
}

/** Bytes of the header's length, at the start of the file. */
export const PREFIX_BYTES = 8;

/**
 * The parts of a safetensors file in order. Equal tensors and metadata give equal bytes, whatever their order: wider
 * elements come first (so all data is aligned), then names in code-unit order. Does not copy the arrays. Throws a
 * TypeError or RangeError for a tensor whose data does not match its dtype and shape, and an Error on a big-endian
 * machine.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, NamedTensor>,
  metadata: Record<string, string> = {},
): readonly ArrayBufferView[] {
  requireLittleEndian();
  for (const [name, tensor] of tensors) checkTensor(name, tensor);
  for (const [key, text] of Object.entries(metadata)) checkMetadata(key, text);
  const width = (dtype: Dtype) => DTYPES[dtype].bytes;
  const ordered = [...tensors].sort(([a, x], [b, y]) => width(y.dtype) - width(x.dtype) || (a < b ? -1 : 1));
  const infos = new Map<string, TensorInfo>();
  let begin = 0;
  for (const [name, { dtype, shape, data }] of ordered) {
    infos.set(name, { dtype, shape, begin, bytes: data.byteLength });
    begin += data.byteLength;
  }
  return [encodeHeader(infos, metadata), ...ordered.map(([, { data }]) => data)];
}

/**
 * Decodes a safetensors file in memory; the tensors are copies. Throws FileFormatError for a broken file.
 * @param name names the file in errors
 */
export function decodeSafetensors(file: Uint8Array, name: string): SafetensorsFile {
  requireLittleEndian();
  const dataStart = PREFIX_BYTES + headerLength(file.subarray(0, PREFIX_BYTES + 2), file.length, name);
  const header = parseHeader(file.subarray(PREFIX_BYTES, dataStart), file.length - dataStart, name);
  const tensors = new Map<string, NamedTensor>();
  for (const [key, { dtype, shape, begin, bytes }] of header.tensors) {
    const data = new DTYPES[dtype].array(bytes / DTYPES[dtype].bytes);
    new Uint8Array(data.buffer).set(file.subarray(dataStart + begin, dataStart + begin + bytes));
    tensors.set(key, { dtype, shape, data });
  }
  return { metadata: header.metadata, tensors };
}

/**
 * Length of a file's header in bytes. Throws FileFormatError if the file is not safetensors.
 * @param start the first ten bytes of the file, or all of a smaller file
 * @param size bytes of the file
 */
export function headerLength(start: Uint8Array, size: number, name: string): number {
  if (size < PREFIX_BYTES) throw new FileFormatError(name, 'a safetensors file has at least 8 bytes', size);
  const length = new DataView(start.buffer, start.byteOffset, PREFIX_BYTES).getBigUint64(0, true);
  if (length <= Math.min(MAX_HEADER_BYTES, size - PREFIX_BYTES)) return Number(length);
  const begun = length <= MAX_HEADER_BYTES && start[PREFIX_BYTES] === 0x7b; // "{"
  throw new FileFormatError(
    name,
    begun
      ? 'a safetensors file must be whole; download or write it again'
      : 'weights must be a safetensors or PyTorch file (.pth, .pt, .bin)',
    begun ? `${size} bytes with a header of ${length}` : 'bytes of no format that is known here',
  );
}

/**
 * Throws an Error on a big-endian machine: typed arrays use the machine's byte order, tensor files are little-endian.
 */
export function requireLittleEndian(): void {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1)
    throw new Error('files of tensors need a little-endian machine, got a big-endian one');
}

function checkTensor(name: string, { dtype, shape, data }: NamedTensor): void {
  const label = `tensor ${JSON.stringify(name)}`;
  if (name === '__metadata__' || !isWellFormed(name))
    throw new TypeError(
      `a tensor's name must be well-formed and not "__metadata__", got ${JSON.stringify(name)}`,
    );
  if (!isDtype(dtype))
    throw new TypeError(`${label}: dtype must be one of ${Object.keys(DTYPES)}, got ${dtype}`);
  if (!(data instanceof DTYPES[dtype].array))
    throw new TypeError(
      `${label}: ${dtype} data must be a ${DTYPES[dtype].array.name}, got ${typeName(data)}`,
    );
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || elementCount(shape) !== data.length)
    throw new RangeError(`${label}: shape must give its ${plural(data.length, 'element')}, got [${shape}]`);
}

function checkMetadata(key: string, text: unknown): void {
  if (typeof text !== 'string')
    throw new TypeError(`metadata "${key}" must be a string, got ${typeName(text)}`);
  if (!isWellFormed(key) || !isWellFormed(text))
    throw new TypeError(`metadata must be well-formed Unicode, got ${JSON.stringify(key)}`);
}

function typeName(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
