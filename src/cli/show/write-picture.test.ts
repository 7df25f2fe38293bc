import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { writePicture } from './write-picture.ts';

const folder = temporaryFolder();
afterEach(() => vi.restoreAllMocks());

async function noteOf(output: string, images: readonly string[]): Promise<string> {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  error.mockClear();
  await writePicture(output, new Uint8Array(3), images);
  return error.mock.calls.join('\n');
}

it('says when a picture lies among the images that it was made of', async () => {
  const photos = join(folder, 'photos');
  await mkdir(join(photos, 'b'), { recursive: true });
  await mkdir(join(folder, '..photos'), { recursive: true });
  await symlink(photos, join(folder, 'link'));
  const inside = /will count as one of its images: move it, or take another --output/;
  expect(await noteOf(join(photos, 'a.png'), [photos])).toMatch(inside);
  expect(await noteOf(join(photos, 'b', 'a.png'), ['cifar10', `classes:${photos}/`])).toMatch(inside);
  expect(await noteOf(join(photos, '..a.png'), [join(folder, 'link')])).toMatch(inside);
  expect(await noteOf(join(folder, 'a.png'), [photos, join(folder, 'none')])).toBe('');
  expect(await noteOf(join(folder, '..photos', 'a.png'), [photos])).toBe('');
  expect(await noteOf(join(photos, 'c.png'), [join(photos, 'a.png'), 'cifar10', `packed:${photos}`])).toBe(
    '',
  );
});
