import { type FileHandle, open } from 'node:fs/promises';
import { plural } from '../text/plural.ts';
import { writeFileAtomic } from './atomic.ts';
import { DTYPES, type Dtype, elementCount, isDtype, type NamedTensor } from './dtypes.ts';
import { FileFormatError } from './file-format-error.ts';
import { readAt, requireLittleEndian } from './read-at.ts';
import {
  encodeHeader,
  type Header,
  isWellFormed,
  MAX_HEADER_BYTES,
  parseHeader,
  type TensorInfo,
} from './safetensors-header.ts';

export interface SafetensorsFile {
  readonly metadata: Record<string, string>;
  /** In the order in which they lie in the file. */
  readonly tensors: Map<string, NamedTensor>;
}

/**
 * Reads only what a safetensors file says about itself: metadata, and the dtype, shape and place of each
 * tensor. Throws {@link FileFormatError}, or the system's error (ENOENT, ...).
 */
export async function readHeader(path: string): Promise<Header> {
  const handle = await open(path, 'r');
  try {
    return (await headerOf(handle, path)).header;
  } finally {
    await handle.close();
  }
}

/**
 * Reads a safetensors file: all tensors, or those in `names`. The bytes go straight from the file into the
 * tensors' arrays. Throws {@link FileFormatError} for a broken file or a missing name, or the system's error.
 */
export async function readSafetensors(
  path: string,
  options: { readonly names?: readonly string[] } = {},
): Promise<SafetensorsFile> {
  requireLittleEndian();
  const handle = await open(path, 'r');
  try {
    const { header, dataStart } = await headerOf(handle, path);
    const wanted = options.names && new Set(options.names);
    for (const name of wanted ?? [])
      if (!header.tensors.has(name))
        throw new FileFormatError(path, `it must hold tensor ${JSON.stringify(name)}`, [
          ...header.tensors.keys(),
        ]);
    const tensors = new Map<string, NamedTensor>();
    for (const [name, { dtype, shape, begin, bytes }] of header.tensors) {
      if (wanted && !wanted.has(name)) continue;
      const data = new DTYPES[dtype].array(bytes / DTYPES[dtype].bytes);
      await readAt(handle, data, dataStart + begin, path);
      tensors.set(name, { dtype, shape, data });
    }
    return { metadata: header.metadata, tensors };
  } finally {
    await handle.close();
  }
}

/**
 * Writes a safetensors file, replacing `path` in one step (see {@link writeFileAtomic}). The same tensors and
 * metadata give the same bytes whatever their order: wider elements come first (so all data is aligned), then
 * names in code-unit order. The arrays are not copied and must not change until the promise settles.
 *
 * Throws a TypeError or RangeError, before anything is written, for a tensor whose data does not fit its dtype
 * and shape; later the system's error.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, NamedTensor>,
  metadata: Record<string, string> = {},
): Promise<void> {
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
  const header = encodeHeader(infos, metadata);
  await writeFileAtomic(path, [header, ...ordered.map(([, { data }]) => data)]);
}

async function headerOf(handle: FileHandle, path: string): Promise<{ header: Header; dataStart: number }> {
  const stat = await handle.stat();
  if (!stat.isFile()) throw new FileFormatError(path, 'it must be a regular file', 'a folder or device');
  if (stat.size < 8) throw new FileFormatError(path, 'a safetensors file has at least 8 bytes', stat.size);
  const prefix = new DataView(new ArrayBuffer(8));
  await readAt(handle, prefix, 0, path);
  const length = prefix.getBigUint64(0, true);
  const limit = Math.min(MAX_HEADER_BYTES, stat.size - 8);
  if (length > limit) {
    const start = new Uint8Array(Math.min(2, stat.size - 8));
    await readAt(handle, start, 8, path);
    const begun = length <= MAX_HEADER_BYTES && start[0] === 0x7b; // "{"
    throw new FileFormatError(
      path,
      begun
        ? 'a safetensors file must be whole; download or write it again'
        : "weights lie in safetensors or PyTorch's files (.pth, .pt, .bin)",
      begun ? `${stat.size} bytes with a header of ${length}` : 'bytes of no format that is known here',
    );
  }
  const json = new Uint8Array(Number(length));
  await readAt(handle, json, 8, path);
  const dataStart = 8 + json.length;
  return { header: parseHeader(json, stat.size - dataStart, path), dataStart };
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
