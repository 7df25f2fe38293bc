import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { DataError } from '../error.ts';

/** An array of unsigned bytes from an IDX file. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const UNSIGNED_BYTE = 8;
const unpack = promisify(gunzip);

/**
 * Reads an IDX file, the format of MNIST, packed by gzip or not: two zero bytes, the type, the number of sides, each side as a big-endian
 * whole number of 4 bytes, the values. Rejects with a DataError for another content, and with the system's error.
 */
export async function readIdx(path: string): Promise<IdxArray> {
  const stored = await readFile(path);
  const bytes = stored[0] === 0x1f && stored[1] === 0x8b ? await unpacked(path, stored) : stored;
  const fail = (rule: string, got: unknown): DataError =>
    new DataError(`${path}: ${rule}, got ${got}: fetch the file again`);
  const [first, second, type, sides = 0] = bytes;
  if (bytes.length < 4 || first !== 0 || second !== 0 || sides < 1 || sides > 4)
    throw fail(
      'an IDX file must begin with two zero bytes, a type and 1 to 4 sides',
      `the bytes ${bytes.subarray(0, 4).join(' ')}`,
    );
  if (type !== UNSIGNED_BYTE)
    throw new DataError(
      `${path}: images and labels must be unsigned bytes (type 8), got type ${type}: write them as bytes`,
    );
  const begin = 4 + 4 * sides;
  if (bytes.length < begin) throw fail(`the file must hold ${begin} bytes or more`, bytes.length);
  const shape = Array.from({ length: sides }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  const size = shape.reduce((product, side) => product * side, 1);
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + begin, bytes.length - begin);
  if (data.length !== size) throw fail(`${shape.join(' × ')} values must take ${size} bytes`, data.length);
  return { shape, data };
}

async function unpacked(path: string, bytes: Buffer): Promise<Buffer> {
  return unpack(bytes).catch((error: Error) => {
    throw new DataError(`${path}: a .gz file must be whole, got ${error.message}: fetch the file again`, {
      cause: error,
    });
  });
}
