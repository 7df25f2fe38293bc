import { isUtf8 } from 'node:buffer';
import { join } from 'node:path';
import { type FilePath, systemPath } from '../decode/read-file.ts';

/** A name as text; bytes that are no UTF-8 are shown as `\xE9`, each. */
export function shownName(name: Buffer): string {
  if (isUtf8(name)) return name.toString();
  let text = '';
  for (let from = 0; from < name.length; ) {
    const length = [1, 2, 3, 4].find((n) => from + n <= name.length && isUtf8(name.subarray(from, from + n)));
    text += length
      ? name.toString('utf8', from, from + length)
      : `\\x${name.toString('hex', from, from + 1).toUpperCase()}`;
    from += length ?? 1;
  }
  return text;
}

/** Path of a folder's entry: text if the names are text, else bytes. */
export function pathIn(folder: FilePath, name: Buffer): FilePath {
  if (typeof folder === 'string' && isUtf8(name)) return join(folder, name.toString());
  return Buffer.concat([Buffer.from(systemPath(folder)), Buffer.from('/'), name]);
}
