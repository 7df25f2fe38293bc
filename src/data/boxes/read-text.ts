import { readFile } from 'node:fs/promises';

/** A text without the mark of its byte order, which some programs write. */
export async function readText(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
}
