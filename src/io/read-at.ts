import type { FileHandle } from 'node:fs/promises';
import { byteWindows } from './atomic.ts';
import { FileFormatError } from './file-format-error.ts';

/** Fills `target` with a file's bytes from `start` on. Throws FileFormatError if the file ends earlier. */
export async function readAt(
  handle: FileHandle,
  target: ArrayBufferView,
  start: number,
  path: string,
): Promise<void> {
  let position = start;
  for (const window of byteWindows(target)) {
    for (let offset = 0; offset < window.length; ) {
      const { bytesRead } = await handle.read(window, offset, window.length - offset, position);
      if (bytesRead === 0) throw new FileFormatError(path, 'it must not shrink while it is read', position);
      offset += bytesRead;
      position += bytesRead;
    }
  }
}
