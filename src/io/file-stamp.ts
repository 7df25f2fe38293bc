import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';

/** A file as its folder knows it. */
export interface FileStamp {
  /** Bytes. */
  readonly size: number;
  /** Size, times of the last change (of content and of entry, in ns) and inode: other when the file was written or replaced. */
  readonly stamp: string;
}

/** The stamp where there is no file. */
export const MISSING = 'missing';

/** The stamp of a file, reading nothing of it. A file that cannot be looked up counts as missing. */
export async function fileStamp(path: string): Promise<FileStamp> {
  return stat(path, { bigint: true }).then(stampOf, () => ({ size: 0, stamp: MISSING }));
}

export function stampOf({ size, mtimeNs, ctimeNs, ino }: BigIntStats): FileStamp {
  return { size: Number(size), stamp: [size, mtimeNs, ctimeNs, ino].join('-') };
}
