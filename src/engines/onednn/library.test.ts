import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { oneDnnFolder } from '../../../tests/support/libraries.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { installedLibrary, libraryFiles, loadLibrary } from './library.ts';

describe('the library', () => {
  const folder = temporaryFolder();
  const files = libraryFiles(oneDnnFolder);
  /** A file that is not a library. */
  const broken = () => {
    const path = join(folder, 'libdnnl.so.3');
    writeFileSync(path, 'not a library, but as long as the head of one: '.repeat(10));
    return path;
  };

  it('is one of the versions that the engine knows', async () => {
    const { version, file } = await loadLibrary(files);
    expect([2, 3]).toContain(version.major);
    expect(version.major === 3 || version.minor >= 6).toBe(true);
    expect(files).toContain(file);
  });

  it('is looked for in the system first, then where setup installs it', () => {
    expect(libraryFiles('/c')).toEqual(['libdnnl.so.3', 'libdnnl.so.2', installedLibrary('/c')]);
    expect(libraryFiles()).toEqual(['libdnnl.so.3', 'libdnnl.so.2']);
  });

  it('says how to install it if it is missing', async () => {
    await expect(loadLibrary(['libnothing.so.7', '/nowhere/libnothing.so.7'])).rejects.toThrow(
      /^the onednn engine needs oneDNN \(libnothing\.so\.7\): `npx beyond-masking setup onednn` installs it/,
    );
  });

  it('is the next one if a file is broken or another library', async () => {
    const { file } = await loadLibrary([broken(), 'libc.so.6', ...files]);
    expect(files).toContain(file);
  });

  it('says in one line why an existing library is unsuitable, and the remedy', async () => {
    const error = (await loadLibrary([broken(), 'libc.so.6']).catch((reason) => reason)) as Error;
    expect(error.message).toMatch(
      /^the onednn engine needs oneDNN 2\.6 or later or 3\.x, built with OpenMP, got \/.*libdnnl\.so\.3 \(invalid ELF header\) and libc\.so\.6 \(.*dnnl_version.*\): `npx beyond-masking setup onednn` installs it/,
    );
    expect(error.message).not.toContain('\n');
  });
});
