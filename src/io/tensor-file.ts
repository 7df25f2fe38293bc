import { type FileHandle, open } from 'node:fs/promises';
import { FileFormatError } from './file-format-error.ts';
import { fileKind, KIND_BYTES } from './file-kind.ts';
import { readAt } from './read-at.ts';
import { readHeader, readSafetensors } from './safetensors.ts';
import { requireLittleEndian } from './safetensors-codec.ts';
import { isIndex, openShards } from './shards.ts';
import type { TensorFile } from './tensor-file-types.ts';
import { openTorchFile } from './torch-file.ts';

const ZIP = 0x04034b50;
/** Magic number of files from before PyTorch 1.6, after the pickle's protocol (`torch/serialization.py`). */
const LEGACY = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const RULE = 'weights must be a safetensors or PyTorch file (.pth, .pt, .bin)';

/**
 * Opens a file of tensors: safetensors, PyTorch's `torch.save` (.pth, .pt, .bin), or the index of several such files
 * (.index.json). Executes nothing in the file. Throws FileFormatError for any other or broken file, or the system's
 * error.
 */
export async function openTensorFile(path: string): Promise<TensorFile> {
  requireLittleEndian();
  if (isIndex(path)) return openShards(path, openTensorFile);
  const handle = await open(path, 'r');
  try {
    const bytes = await firstBytes(handle, path);
    const start = new DataView(bytes.buffer);
    if (bytes.length >= 4 && start.getUint32(0, true) === ZIP) return await openTorchFile(handle, path);
    const kind = fileKind(bytes);
    if (kind) throw new FileFormatError(path, `${RULE}; ${kind.remedy}`, kind.what);
    if (bytes.length < 8)
      throw new FileFormatError(path, `${RULE}; download the file again`, `${bytes.length} bytes`);
    const pickled = bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5 && bytes[8] !== 0x7b;
    if (pickled && !LEGACY.every((byte, i) => bytes[2 + i] === byte))
      throw new FileFormatError(
        path,
        `${RULE}; save the weights alone, torch.save(model.state_dict(), FILE)`,
        'a pickle that torch.save did not write',
      );
    if (pickled)
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
    notes: [],
    read: async (names) => (await readSafetensors(path, { names })).tensors,
  };
}

async function firstBytes(handle: FileHandle, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const stat = await handle.stat();
  if (stat.isDirectory()) throw new FileFormatError(path, `${RULE}; name a file in it`, 'a folder');
  if (!stat.isFile()) throw new FileFormatError(path, `${RULE}; give a regular file`, 'a device');
  if (stat.size === 0)
    throw new FileFormatError(path, `${RULE}; download the file again, or write it again`, 'an empty file');
  const bytes = new Uint8Array(Math.min(KIND_BYTES, stat.size));
  await readAt(handle, bytes, 0, path);
  return bytes;
}
