import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, posix, win32 } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { homePath } from '../home-path.ts';
import { BrokenImages } from '../load/broken.ts';
import type { Dataset } from './dataset.ts';
import { openImages } from './image-list.ts';
import { absoluteSource, isSpec, openDataset, testSetOf } from './open.ts';
import { packImages } from './pack.ts';
import type { SourceScheme } from './scheme.ts';
import { allForms, formsOf, sources } from './table.ts';

const root = temporaryFolder();
beforeAll(async () => {
  await mkdir(join(root, 'cat'));
  await writeFile(join(root, 'cat', '1.png'), 'x');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

it('opens folders by path, flat by default', async () => {
  for (const spec of [root, `folder:${root}`]) {
    const data = await openDataset(spec);
    expect([data.name, data.length, data.classes]).toEqual([root, 1, undefined]);
  }
  expect((await openDataset(`classes:${root}`)).classes).toEqual(['cat']);
});

it('takes a leading ~ for the home folder, in every form', async () => {
  const home = join(root, 'home');
  const pixels = { width: 1, height: 1, channels: 3, data: new Uint8Array(3) } as const;
  const one: Dataset = {
    name: 'one',
    length: 1,
    contentKey: 'one',
    id: () => 'one',
    image: async () => pixels,
  };
  await mkdir(home);
  await packImages(one, join(home, 'pack'), { resize: 0, broken: new BrokenImages() });
  await mkdir(join(home, 'images', 'cat'), { recursive: true });
  await writeFile(join(home, 'images', 'cat', '1.png'), 'x');
  vi.stubEnv('HOME', home);
  vi.stubEnv('USERPROFILE', home);
  for (const spec of ['~', '~/images', 'folder:~', 'folder:~/images', 'classes:~/images', 'packed:~/pack'])
    expect((await openDataset(spec)).length).toBe(1);
  await expect(openDataset('~other')).rejects.toThrow("got '~other'");
});

it('says what is wrong', async () => {
  await expect(openDataset('no-such-thing')).rejects.toThrow(
    "the data folder must exist, got 'no-such-thing'",
  );
  await expect(openDataset('')).rejects.toThrow('must be named');
});

it.each([
  ['C:\\photos', 'C:\\photos'],
  ['c:/photos/2019', 'c:\\photos\\2019'],
  ['classes:C:\\photos\\', 'classes:C:\\photos'],
  ['packed:\\\\server\\share\\pack', 'packed:\\\\server\\share\\pack'],
  ['folder://server/share/my photos', 'folder:\\\\server\\share\\my photos'],
  ['cifar10:test', 'cifar10:test'],
])('on Windows, the source %s is %s wherever one stands', (spec, absolute) => {
  expect(absoluteSource(spec, { paths: win32 })).toBe(absolute);
  expect(isSpec(spec)).toBe(/^(classes|packed|folder|cifar10)/.test(spec));
});

it('on Windows, ~\\ is the home folder too', () => {
  expect(homePath('~\\photos', win32)).toBe(win32.join(homedir(), 'photos'));
  expect(homePath('~/photos', win32)).toBe(win32.join(homedir(), 'photos'));
  expect(homePath('~', win32)).toBe(win32.join(homedir(), ''));
  expect(homePath('~\\photos', posix)).toBe('~\\photos'); // a name like any other
});

describe('the table of sources', () => {
  it.each(sources)(
    '$scheme is distinguished from paths, and its example is one of it',
    ({ example, scheme, argument }) => {
      expect(isSpec(scheme)).toBe(argument === undefined);
      expect(isSpec(`${scheme}:x`)).toBe(true);
      expect(isSpec(`./${scheme}`)).toBe(false);
      expect(isSpec(example)).toBe(scheme !== 'folder');
    },
  );

  it('is the list in the documentation, in the error and in the help', async () => {
    const docs = await readFile(new URL('../../../docs/data.md', import.meta.url), 'utf8');
    for (const [form, help] of sources.flatMap(formsOf)) {
      expect(docs).toContain(`\n| \`${form}\` | ${help} |\n`);
      expect(allForms()).toContain(form);
    }
    await expect(openDataset('')).rejects.toThrow(`the data must be named: ${allForms()}; got nothing`);
  });

  it.each([
    [
      'cifar10:tset',
      'cifar10, cifar10:train, cifar10:test; got \'cifar10:tset\' (did you mean "cifar10:test"?)',
    ],
    ['cifar10:', "got 'cifar10:'"],
    ['classes:', "the data must be named: classes:FOLDER; got 'classes:'"],
    ['class:~/flowers', 'got \'class:~/flowers\' (did you mean "classes"?)'],
    ['CIFAR10', 'got \'CIFAR10\' (did you mean "cifar10"?)'],
  ])('refuses %s', async (spec, message) => {
    await expect(openDataset(spec)).rejects.toMatchObject({
      name: 'DataError',
      message: expect.stringContaining(message),
    });
  });

  it('leaves an empty path empty: it is refused, and not the folder that one stands in', () => {
    expect(absoluteSource('classes:')).toBe('classes:');
  });

  const grey = { width: 1, height: 1, channels: 1 } as const;
  const mine: SourceScheme = {
    scheme: 'mine',
    argument: 'N',
    help: 'N grey images',
    example: 'mine:7',
    labelled: false,
    open: async (rest) => ({
      name: `mine:${rest}`,
      length: Number(rest),
      contentKey: rest,
      id: (i) => `${i}`,
      image: (i) => ({ ...grey, data: Uint8Array.of(i) }),
    }),
    absolute: (rest) => rest,
    testSet: (rest) => `mine:${Number(rest) + 1}`,
  };

  it('takes further kinds with a call', async () => {
    const options = { sources: [mine] };
    expect((await openDataset('mine:7', options)).length).toBe(7);
    const both = await openImages(['mine:2', 'mine:3'], options);
    expect([both.length, both.id(4), both.image(4)]).toEqual([
      5,
      join('3', '2'),
      { ...grey, data: Uint8Array.of(2) },
    ]);
    expect(absoluteSource('mine:7', options)).toBe('mine:7');
    expect([testSetOf('mine:7', [mine]), testSetOf('cifar10:train'), testSetOf('cifar10')]).toEqual([
      'mine:8',
      undefined,
      'cifar10:test',
    ]);
    await expect(openDataset('', options)).rejects.toThrow('mine:N');
    await expect(openDataset('mine:7')).rejects.toThrow("the data folder must exist, got 'mine:7'");
  });
});

describe('a single file', () => {
  it.each(['jpeg', 'png', 'webp'] as const)(
    'that is a %s image is referred to openImages',
    async (format) => {
      const file = join(root, `one.${format}`);
      const create = { width: 3, height: 2, channels: 3, background: 'red' } as const;
      await sharp({ create }).toFormat(format).toFile(file);
      for (const spec of [file, `folder:${file}`, `classes:${file}`])
        await expect(openDataset(spec)).rejects.toMatchObject({
          name: 'DataError',
          message: expect.stringMatching(
            /got the file '.*': predict, .* single images, .* openImages\(\['.*'\]\) of the library/,
          ),
        });
      expect((await openImages([file])).length).toBe(1);
    },
  );

  it('of another kind is not', async () => {
    const file = join(root, 'notes.txt');
    await writeFile(file, 'no image');
    await expect(openDataset(file)).rejects.toThrow(/^the data must be a folder, got the file '[^']*'$/);
  });
});
