import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { FileFormatError } from './file-format-error.ts';
import { appendRow, readRows, truncateAfter } from './jsonl.ts';

const folder = temporaryFolder();
let tests = 0;
let path: string; // new for each test
beforeEach(() => {
  path = join(folder, `metrics-${tests++}.jsonl`);
});

const upTo = (last: number) => (row: Record<string, unknown>) => (row.step as number) <= last;

test('rows come back in order; NaN becomes null', async () => {
  await appendRow(path, { step: 0, loss: 1.5 });
  await appendRow(path, { step: 1, loss: Number.NaN });
  expect(readFileSync(path, 'utf8')).toBe('{"step":0,"loss":1.5}\n{"step":1,"loss":null}\n');
  expect(await readRows<{ step: number; loss: number | null }>(path)).toEqual([
    { step: 0, loss: 1.5 },
    { step: 1, loss: null },
  ]);
});

test('a torn last line is not read, and cut off by the next append', async () => {
  await appendRow(path, { step: 0 });
  for (const torn of ['{"st', '{"step":1', '"', '{"step":1}garbage']) {
    appendFileSync(path, torn);
    expect(await readRows(path)).toEqual([{ step: 0 }]);
    await appendRow(path, { step: 1 });
    expect(readFileSync(path, 'utf8')).toBe('{"step":0}\n{"step":1}\n');
    await truncateAfter(path, upTo(0));
  }
});

test('a complete last row without its end of line is kept', async () => {
  writeFileSync(path, '{"step":0}\n{"step":1}');
  await appendRow(path, { step: 2 });
  expect(await readRows(path)).toEqual([{ step: 0 }, { step: 1 }, { step: 2 }]);
});

test('an empty file has no rows; a broken line in the middle is named', async () => {
  writeFileSync(path, '');
  expect(await readRows(path)).toEqual([]);
  writeFileSync(path, '{"step":0}\n\nnot json\n{"step":1}\n');
  await expect(readRows(path)).rejects.toThrow(FileFormatError);
  await expect(readRows(path)).rejects.toThrow('line 3 must be a JSON object, got "not json"');
  await expect(readRows(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('truncateAfter cuts at the first refused row and keeps the rest byte for byte', async () => {
  writeFileSync(path, '{"step": 0}\n{"step":1, "é":"ü"}\n{"step":2}\n{"step":3}\n{"st');
  expect(await truncateAfter(path, upTo(1))).toBe(2);
  expect(readFileSync(path, 'utf8')).toBe('{"step": 0}\n{"step":1, "é":"ü"}\n');
  expect(await truncateAfter(path, upTo(5))).toBe(0);
  expect(await truncateAfter(path, () => false)).toBe(2);
  expect(readFileSync(path, 'utf8')).toBe('');
});

test('truncateAfter only removes a torn line when all rows are kept, and needs no file', async () => {
  writeFileSync(path, '{"step":0}\n{"st');
  expect(await truncateAfter(path, upTo(9))).toBe(0);
  expect(readFileSync(path, 'utf8')).toBe('{"step":0}\n');
  expect(await truncateAfter(join(folder, 'none'), upTo(0))).toBe(0);
});
