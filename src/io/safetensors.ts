import { type FileHandle, open } from 'node:fs/promises';
import { writeFileAtomic } from './atomic.ts';
import { DTYPES, type NamedTensor } from './dtypes.ts';
import { FileFormatError } from './file-format-error.ts';
import { readAt } from './read-at.ts';
import {
  encodeSafetensors,
  headerLength,
  PREFIX_BYTES,
  requireLittleEndian,
  type SafetensorsFile,
} from './safetensors-codec.ts';
import { type Header, parseHeader } from './safetensors-header.ts';

export type { SafetensorsFile };

/**
 * Reads the header of a safetensors file: metadata, and dtype, shape and place of each tensor. Throws `FileFormatError`, or the system's error (ENOENT, ...).
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
 * Reads all tensors of a safetensors file, or the tensors `names`, straight into their arrays. Throws `FileFormatError` for a broken file or a missing name, or the system's error.
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
 * Writes a safetensors file, replacing `path` in one step (see `writeFileAtomic`). Equal tensors and metadata
 * give equal bytes, whatever their order (see `encodeSafetensors`). The arrays are not copied and must not
 * change until the promise settles.
 *
 * Throws a TypeError or RangeError, before it writes, for a tensor whose data does not match its dtype and shape;
 * later the system's error.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, NamedTensor>,
  metadata: Record<string, string> = {},
): Promise<void> {
  await writeFileAtomic(path, encodeSafetensors(tensors, metadata));
}

async function headerOf(handle: FileHandle, path: string): Promise<{ header: Header; dataStart: number }> {
  const stat = await handle.stat();
  if (!stat.isFile()) throw new FileFormatError(path, 'it must be a regular file', 'a folder or device');
  const start = new Uint8Array(Math.min(PREFIX_BYTES + 2, stat.size));
  await readAt(handle, start, 0, path);
  const json = new Uint8Array(headerLength(start, stat.size, path));
  await readAt(handle, json, PREFIX_BYTES, path);
  const dataStart = PREFIX_BYTES + json.length;
  return { header: parseHeader(json, stat.size - dataStart, path), dataStart };
}
