import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Size and identity of a file from its folder entry. */
export interface FileStamp {
  /** Bytes. */
  readonly size: number;
  /**
   * Size, times of the last changes (of content and of entry, in ns) and inode: changes if the file is written or
   * replaced.
   */
  readonly stamp: string;
}

/** The stamp of a missing file. */
export const MISSING = 'missing';

/** The stamp of a file, without reading it. A file that cannot be looked up counts as missing. */
export async function fileStamp(path: string): Promise<FileStamp> {
  return stat(path, { bigint: true }).then(stampOf, () => ({ size: 0, stamp: MISSING }));
}

export function stampOf({ size, mtimeNs, ctimeNs, ino }: BigIntStats): FileStamp {
  return { size: Number(size), stamp: [size, mtimeNs, ctimeNs, ino].join('-') };
}
