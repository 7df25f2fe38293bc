import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokenImages } from '../load/broken.ts';
import { evaluationBatches } from '../load/loader.ts';
import { verifyImages } from './check-images.ts';
import { openClassFolders, openFolder } from './folder.ts';
import { scanImages } from './scan.ts';

let root: string;
let notes: string[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'scan-'));
  notes = [];
});
afterEach(() => rm(root, { recursive: true, force: true }));

const onNote = (note: string) => notes.push(note);
const image = (value: number) =>
  sharp({ create: { width: 4, height: 3, channels: 3, background: { r: value, g: 0, b: 0 } } });
const png = (value = 10) => image(value).png().toBuffer();

async function put(path: string, bytes: Uint8Array | string = 'x') {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), bytes);
}

it('takes images by their bytes where their endings say nothing, and counts the rest in a line', async () => {
  const jpeg = await image(1).jpeg().toBuffer();
  for (const path of ['a.jfif', 'b.jpe', 'c', 'd.dat', 'e.JPG', 'sub/f.photo']) await put(path, jpeg);
  await put('g.bin', await image(1).avif().toBuffer());
  await put('h.', await image(1).tiff().toBuffer());
  await put('i.bmp', 'BM\x46\0\0\0');
  await put('j.BMP', 'BM\x46\0\0\0');
  await put('k.heic', '\0\0\0\x18ftypheic\0\0\0\0mif1heic');
  await put('sub/notes', 'text');
  await put('sub/empty.dat', '');
  const { paths } = await scanImages(root, { onNote });
  expect(paths).toEqual(['a.jfif', 'b.jpe', 'c', 'd.dat', 'e.JPG', 'g.bin', 'h.', 'sub/f.photo']);
  expect(notes).toEqual([
    `left out of '${root}': 2 .bmp, 1 without an ending, 1 .dat, 1 .heic (no JPEG, PNG, WebP, GIF, TIFF or AVIF by their first bytes)`,
  ]);
  expect(await verifyImages(await openFolder(root))).toEqual(new Map());
});

it('says how many images lie beside class folders', async () => {
  for (const path of ['loose.png', 'cat/1.png', 'dog/1.png']) await put(path);
  await openClassFolders(root, { onNote });
  expect(notes).toEqual([`left out of '${root}': 1 image in the folder itself, of no class`]);
});

describe.skipIf(process.platform === 'win32')('links', () => {
  it('lead to each file once, under the name where it lies', async () => {
    for (let i = 0; i < 7; i++) await put(`real-${i}/${i}.png`);
    for (let i = 0; i < 7; i++)
      for (let k = 0; k < 7; k++) await symlink(join(root, `real-${k}`), join(root, `real-${i}`, `to-${k}`));
    await symlink(join(root, 'real-3', '3.png'), join(root, 'a-link.png'));
    await link(join(root, 'real-4', '4.png'), join(root, 'second-name.png'));
    const { paths, folders } = await scanImages(root, { onNote });
    expect(paths).toHaveLength(7);
    expect(paths.filter((path) => !/^real-\d\/\d\.png$/.test(path))).toEqual(['second-name.png']);
    expect(folders).toHaveLength(7);
    expect(notes.join()).toContain('51 links or second names of counted files');
  });

  it('from outside, and to the folder above, are followed once', async () => {
    await put('outside/a.png');
    await put('inside/b.png');
    await symlink(join(root, 'outside'), join(root, 'inside', 'one'));
    await symlink(join(root, 'outside'), join(root, 'inside', 'two'));
    await symlink(root, join(root, 'outside', 'up'));
    expect((await scanImages(join(root, 'inside'))).paths).toEqual(['b.png', 'one/a.png']);
  });
});

describe.skipIf(process.platform === 'win32')('what is no regular file', () => {
  it('is named and never opened', async () => {
    await put('1.png', await png());
    execFileSync('mkfifo', [join(root, '2.png'), join(root, 'pipe')]);
    await symlink('/dev/zero', join(root, '3.png'));
    await symlink(join(root, '2.png'), join(root, '4.png'));
    const server = createServer().listen(join(root, '5.jpg'));
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      const data = await openFolder(root, { onNote });
      expect(Array.from({ length: data.length }, (_, i) => data.id(i))).toEqual(['1.png']);
    } finally {
      server.close();
    }
    expect(notes[0]).toContain('3 named pipes: 2.png, pipe, 4.png');
    expect(notes[0]).toContain('1 device: 3.png');
    expect(notes[0]).toContain('1 socket: 5.jpg');
  });

  it('is refused where it has taken the place of an image', async () => {
    await put('1.png', await png());
    await put('2.png', await png());
    const data = await openFolder(root);
    await rm(join(root, '1.png'));
    execFileSync('mkfifo', [join(root, '1.png')]);
    await rm(join(root, '2.png'));
    await symlink('/dev/zero', join(root, '2.png'));
    expect(Object.fromEntries(await verifyImages(data))).toEqual({
      '1.png': 'an image must be a regular file, got a named pipe',
      '2.png': 'an image must be a regular file, got a device',
    });
  });
});

describe.skipIf(process.platform !== 'linux')('names that are no UTF-8', () => {
  const latin1 = (...parts: string[]) => Buffer.from([root, ...parts].join('/'), 'latin1');

  it('are read like others, on threads too', async () => {
    await put('plain/a.png', await png(1));
    await mkdir(latin1('caf\xe9'));
    await writeFile(latin1('caf\xe9', 'b.png'), await png(2));
    await writeFile(latin1('plain', 'gr\xfcn.png'), await png(3));
    const data = await openClassFolders(root);
    expect(data.classes).toEqual(['caf\\xE9', 'plain']);
    expect(Array.from({ length: 3 }, (_, i) => data.id(i))).toEqual([
      'caf\\xE9/b.png',
      'plain/a.png',
      'plain/gr\\xFCn.png',
    ]);
    expect(await verifyImages(data)).toEqual(new Map());
    for (const threads of [false, true]) {
      const broken = new BrokenImages(() => {});
      const loader = evaluationBatches(data, { batchSize: 3, size: [2, 2], seed: 0, threads, broken });
      const { value } = await loader.next();
      await loader.dispose();
      expect(broken.reasons.size).toBe(0);
      expect([0, 12, 24].map((at) => value!.view[at])).toEqual([2, 1, 3]);
    }
  });
});

describe('runs among the images', () => {
  async function putRun(path: string) {
    await put(`${path}/config.json`, '{}');
    await put(`${path}/metrics.jsonl`);
    await put(`${path}/checkpoints/step-00000001.safetensors`);
    await put(`${path}/reconstructions/step-00000001.png`);
  }

  it('are passed over, as their pictures are made of images', async () => {
    for (const path of ['cat/a.png', 'dog/b.png']) await put(path);
    const before = await openClassFolders(root);
    await putRun('run');
    await putRun('cat/deep/run');
    const after = await openClassFolders(root, { onNote });
    expect([after.classes, after.length]).toEqual([['cat', 'dog'], 2]);
    expect(after.contentKey).toBe(before.contentKey);
    expect(notes).toEqual([expect.stringContaining('2 run folders: cat/deep/run, run')]);
    expect((await openFolder(join(root, 'run', 'reconstructions'))).length).toBe(1); // where they are asked for
    expect((await openFolder(join(root, 'run'))).length).toBe(1);
  });

  it('are not taken for runs by half of their files', async () => {
    await put('cat/config.json', '{}');
    await put('cat/checkpoints/a.png');
    expect((await openFolder(root)).length).toBe(1);
  });
});

describe('a search', () => {
  it('ends with the reason of its signal', async () => {
    for (let i = 0; i < 500; i++) await put(`${i % 10}/${i}.png`);
    await expect(scanImages(root, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
    const stop = new AbortController();
    setImmediate(() => stop.abort(new Error('stopped')));
    await expect(scanImages(root, { signal: stop.signal })).rejects.toThrow('stopped');
    expect((await scanImages(root)).paths).toHaveLength(500);
  });
});
