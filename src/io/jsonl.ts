import { open, readFile, stat, truncate } from 'node:fs/promises';
import { writeFileAtomic } from './atomic.ts';
import { type Row, rowLine, splitRows } from './jsonl-codec.ts';
import { aboutPath } from './system-error.ts';

export type { Row };

/**
 * Appends a row and waits until it is on the disk; creates the file if necessary. First removes a torn last line, the
 * remains of a killed process. Throws the system's error.
 */
export async function appendRow(path: string, row: Row): Promise<void> {
  return appendRows(path, [row]);
}

/** The same for several rows. */
export async function appendRows(path: string, rows: readonly Row[]): Promise<void> {
  await aboutPath(path, append(path, rows));
}

async function append(path: string, rows: readonly Row[]): Promise<void> {
  const handle = await open(path, 'a+');
  try {
    const { size } = await handle.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    let separator = '';
    if (size > 0 && last.toString() !== '\n') {
      const known = splitRows(await readFile(path), path);
      if (known.tornBytes > 0)
        await truncate(path, size - known.tornBytes); // on Windows, an append handle cannot truncate
      else if (known.rows.length > 0) separator = '\n'; // a complete row without its end of line
    }
    const lines = rows.map(rowLine).join('');
    await handle.appendFile(`${separator}${lines}`);
    if ((await handle.stat()).isFile()) await handle.datasync(); // devices cannot
  } finally {
    await handle.close();
  }
}

/**
 * Reads all rows; devices and pipes have none. Skips a torn last line. Throws `FileFormatError` if another line
 * is not a JSON object, or the system's error (ENOENT, ...).
 */
export async function readRows<T extends object = Row>(path: string): Promise<T[]> {
  const found = await stat(path);
  if (!found.isFile() && !found.isDirectory()) return [];
  return splitRows(await readFile(path), path).rows.map(({ row }) => row as T);
}

/**
 * Keeps the rows before the first one that `keep` refuses; drops the others and a torn last line, and returns their
 * number. Kept lines stay byte for byte. Replaces the file in one step; leaves it unchanged if there is nothing to
 * drop or no file. Throws like `readRows`.
 */
export async function truncateAfter(path: string, keep: (row: Row) => boolean): Promise<number> {
  let content: Buffer;
  try {
    content = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
  const { rows, tornBytes } = splitRows(content, path);
  const refused = rows.findIndex(({ row }) => !keep(row));
  const kept = refused < 0 ? rows.length : refused;
  if (kept < rows.length || tornBytes > 0) {
    const end = rows[kept]?.begin ?? content.length - tornBytes;
    await writeFileAtomic(path, content.subarray(0, end));
  }
  return rows.length - kept;
}

/** Replaces the last row, in one step. Throws like `readRows`. */
export async function replaceLastRow(path: string, row: Row): Promise<void> {
  const content = await readFile(path);
  const begin = splitRows(content, path).rows.at(-1)?.begin ?? 0;
  await writeFileAtomic(path, `${content.toString('utf8', 0, begin)}${JSON.stringify(row)}\n`);
}
