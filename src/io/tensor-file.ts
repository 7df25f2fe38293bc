import { type FileHandle, open } from 'node:fs/promises';
import type { Dtype, NamedTensor } from './dtypes.ts';
import { FileFormatError } from './file-format-error.ts';
import { readAt, requireLittleEndian } from './read-at.ts';
import { readHeader, readSafetensors } from './safetensors.ts';
import { openTorchFile } from './torch-file.ts';

/** A setting that a file holds beside its tensors. */
export type Setting = string | number | boolean;

/** What a file of tensors says about itself; the tensors' values are read when they are asked for. */
export interface TensorFile {
  readonly path: string;
  readonly format: 'safetensors' | 'PyTorch';
  /** By their names, in the order of the file. */
  readonly tensors: ReadonlyMap<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>;
  /** Texts that a safetensors file holds. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Options of the script that wrote a PyTorch file. */
  readonly settings: Readonly<Record<string, Setting>>;
  /** What the file holds beside those tensors and settings, and is not used. */
  readonly others: readonly string[];
  /** Reads tensors straight from the file into arrays, in row-major order. Throws FileFormatError for an unknown name. */
  read(names: readonly string[]): Promise<Map<string, NamedTensor>>;
}

const ZIP = 0x04034b50;

/**
 * Opens a file of tensors: safetensors, or what PyTorch's `torch.save` writes (.pth, .pt, .bin). Nothing in the file is
 * executed. Throws FileFormatError for any other or broken file, or the system's error.
 */
export async function openTensorFile(path: string): Promise<TensorFile> {
  requireLittleEndian();
  const handle = await open(path, 'r');
  try {
    const start = await firstBytes(handle, path);
    if (start.getUint32(0, true) === ZIP) return await openTorchFile(handle, path);
    if (
      start.getUint8(0) === 0x80 &&
      start.getUint8(1) >= 2 &&
      start.getUint8(1) <= 5 &&
      start.getUint16(6) !== 0
    )
      throw new FileFormatError(
        path,
        'a PyTorch file must be in the ZIP format of version 1.6 and later; convert it where PyTorch is installed: ' +
          `python -c "import torch; torch.save(torch.load('${path}', map_location='cpu', weights_only=True), 'converted.pth')"`,
        'an older format',
      );
  } finally {
    await handle.close();
  }
  const { metadata, tensors } = await readHeader(path);
  return {
    path,
    format: 'safetensors',
    tensors,
    metadata,
    settings: {},
    others: [],
    read: async (names) => (await readSafetensors(path, { names })).tensors,
  };
}

async function firstBytes(handle: FileHandle, path: string): Promise<DataView> {
  const stat = await handle.stat();
  if (!stat.isFile()) throw new FileFormatError(path, 'it must be a regular file', 'a folder or device');
  if (stat.size < 8) throw new FileFormatError(path, 'a file of tensors has at least 8 bytes', stat.size);
  const bytes = new DataView(new ArrayBuffer(8));
  await readAt(handle, bytes, 0, path);
  return bytes;
}
