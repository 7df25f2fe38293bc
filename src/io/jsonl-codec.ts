import { FileFormatError } from './file-format-error.ts';

/** One row of a .jsonl file: a JSON object on one line. JSON has no NaN or infinity: they become null. */
export type Row = Record<string, unknown>;

/**
 * The rows of a .jsonl file's bytes: `begin` is a row's first byte, `tornBytes` the length of an unusable last line, which is left out.
 * Throws `FileFormatError` when another line is not a JSON object.
 */
export function splitRows(
  content: Uint8Array,
  path: string,
): { rows: { row: Row; begin: number }[]; tornBytes: number } {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const rows: { row: Row; begin: number }[] = [];
  let line = 0;
  for (let begin = 0; begin < content.length; ) {
    const newline = content.indexOf(0x0a, begin);
    const end = newline < 0 ? content.length : newline;
    const text = decoder.decode(content.subarray(begin, end));
    const next = newline < 0 ? content.length : newline + 1;
    line++;
    if (text.trim() !== '') {
      const row = parseRow(text);
      if (row) rows.push({ row, begin });
      else if (next === content.length) return { rows, tornBytes: content.length - begin };
      else throw new FileFormatError(path, `line ${line} must be a JSON object`, text);
    }
    begin = next;
  }
  return { rows, tornBytes: 0 };
}

/** A row as a line. */
export function rowLine(row: Row): string {
  return `${JSON.stringify(row)}\n`;
}

function parseRow(text: string): Row | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Row) : undefined;
  } catch {
    return undefined;
  }
}
