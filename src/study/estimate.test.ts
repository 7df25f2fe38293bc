import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { remainder } from './estimate.ts';
import { writeKept } from './keep.ts';
import type { Piece } from './pieces.ts';

const folder = temporaryFolder();

const model = (id: string, flops: number): Piece => ({
  kind: 'pretrain',
  id,
  settings: {},
  flops,
  updates: 1,
});
const judge = (id: string): Piece => ({
  ...{ kind: 'knn', id, from: 'a', flops: 0, updates: 0 },
  settings: { trainImages: 0, testImages: 0, seed: 0 },
});

it('estimates the unfinished pieces from the finished ones, kind by kind', async () => {
  const pieces = [model('a', 100), judge('a-knn'), model('b', 200), judge('b-knn'), model('c', 50)];
  const places = { output: join(folder, 'none'), keep: join(folder, 'kept') };
  const plan = { pieces, cells: [] };
  const keep = (piece: Piece, seconds: number) =>
    writeKept(places.keep, piece, { run: {}, scores: { seconds, top1: 0.5 }, epochs: [] });
  expect(await remainder(plan, places)).toMatchObject({ finished: 0, flops: 350, seconds: undefined });
  await keep(pieces[0]!, 10);
  expect((await remainder(plan, places)).seconds).toBeUndefined(); // kNN was not measured
  await keep(pieces[1]!, 7);
  // 250 operations at 10 for a second, and 7 s of kNN.
  const left = await remainder(plan, places);
  expect(left).toMatchObject({ finished: 2, flops: 250, seconds: 32 });
  expect(left.pieces.map(({ finished, seconds }) => [finished, seconds])).toEqual([
    [true, 10],
    [true, 7],
    [false, 20],
    [false, 7],
    [false, 5],
  ]);
  await mkdir(join(folder, 'none', 'runs', 'c'), { recursive: true });
  await writeFile(join(folder, 'none', 'runs', 'c', 'metrics.jsonl'), ''); // begun, not finished
  expect((await remainder(plan, places)).finished).toBe(2);
});
