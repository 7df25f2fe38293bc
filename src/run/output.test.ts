import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { requireEmpty, requireSame, runFolder } from './folder.ts';
import { PICTURE, requireAppendedFile, requireOutputFile, requireOutputFolder } from './output.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

it('takes names of files and folders that can be written, and makes nothing', async () => {
  await writeFile(at('old.png'), '');
  for (const name of ['new.png', 'NEW.PNG', 'old.png']) await requireOutputFile(at(name), PICTURE);
  for (const name of ['new.jsonl', 'old.png']) await requireAppendedFile(at(name));
  for (const name of ['', 'new', 'new/deeper/']) await requireOutputFolder(`${folder}/${name}`);
  expect(await readdir(folder)).toEqual(['old.png']);
});

it.each([
  ['', 'must be a file, got an empty name: name a file with --output'],
  ['dir.png/', /must be a file, got the folder .*dir\.png\/: name a file in it/],
  ['made.png', /must be a file, got the folder .*made\.png: name a file in it/],
  ['x.jpg', /must be a \.png file, got .*x\.jpg: name one with that ending/],
  ['x', 'must be a .png file'],
  ['nodir/x.png', /the output's folder must exist, got .*nodir: make it/],
])('refuses the file "%s"', async (name, message) => {
  await mkdir(at('made.png'), { recursive: true });
  const path = name && `${folder}/${name}`;
  await expect(requireOutputFile(path, PICTURE)).rejects.toThrow(message);
  if (!name.startsWith('x')) await expect(requireAppendedFile(path)).rejects.toThrow(/^the output/);
});

it('refuses folders without a name and below a file, for runs and judges too', async () => {
  await writeFile(at('file'), '');
  for (const [path, message] of [
    ['', 'the output must be a folder, got an empty name: name a folder with --output'],
    [at('file'), 'is a file: choose another name'],
    [at('file/run'), 'is a file: choose another name'],
  ] as const) {
    await expect(requireOutputFolder(path)).rejects.toThrow(message);
    await expect(requireEmpty(path)).rejects.toThrow(message);
    await expect(requireSame({ ...runFolder(path), path }, 'probe', '')).rejects.toThrow(message);
  }
});

it('refuses what is read-only', async () => {
  if (process.platform === 'win32' || process.getuid?.() === 0) return; // root may write anywhere
  await mkdir(at('locked'));
  await chmod(at('locked'), 0o500);
  await expect(requireOutputFile(at('locked/x.png'), PICTURE)).rejects.toThrow('EACCES');
  await expect(requireAppendedFile(at('locked/x.jsonl'))).rejects.toThrow('EACCES');
  await expect(requireOutputFolder(at('locked/run'))).rejects.toThrow('EACCES');
});
