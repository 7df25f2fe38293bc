import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A part of a data set: training, validation or test images. */
export type Part = 'train' | 'val' | 'test';

/** Usual names of the folders of a part. */
export const PARTS: Readonly<Record<Part, readonly string[]>> = {
  train: ['train', 'training'],
  val: ['val', 'validation', 'valid'],
  test: ['test', 'testing'],
};

/** The folder and the part that a text names: `FOLDER` or `FOLDER@val`. */
export function partOf(spec: string): { folder: string; part?: Part } {
  const [, folder, part] = /^(.*)@(train|val|test)$/s.exec(spec) ?? [];
  return part ? { folder: folder!, part: part as Part } : { folder: spec };
}

/** Names of images by part, without endings, from the lists of PASCAL VOC: `train.txt` and others of a folder. */
export function partLists(folder: string): Partial<Record<Part, readonly string[]>> {
  const lists: Partial<Record<Part, readonly string[]>> = {};
  for (const part of Object.keys(PARTS) as Part[]) {
    const file = join(folder, `${part}.txt`);
    if (!statSync(file, { throwIfNoEntry: false })) continue;
    const names = readFileSync(file, 'utf8')
      .split(/\s+/)
      .filter((name) => name !== '');
    if (names.length > 0) lists[part] = names;
  }
  return lists;
}
