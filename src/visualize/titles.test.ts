import { expect, test } from 'vitest';
import { fc } from '../../tests/support/random.ts';
import { shortNames } from './titles.ts';

test.each([
  [
    ['/data/flowers/a.jpg', '/data/flowers/b.jpg'],
    ['a.jpg', 'b.jpg'],
  ],
  [
    ['/data/rose/1.png', '/data/iris/1.png', '/data/iris/2.png'],
    ['rose/1.png', 'iris/1.png', '2.png'],
  ],
  [
    ['x/y/1.png', 'z/y/1.png'],
    ['x/y/1.png', 'z/y/1.png'],
  ],
  [
    ['a/1.png', 'a/1.png'],
    ['1.png', '1.png'],
  ],
  [
    ['train image 6250', '17', './cat.jpg', 'x/back\\slash.jpg', 'x/latin-\\xE9.jpg'],
    ['train image 6250', '17', 'cat.jpg', 'back\\slash.jpg', 'latin-\\xE9.jpg'],
  ],
  [
    ['1.png', 'a/1.png'],
    ['1.png', 'a/1.png'],
  ],
  [[], []],
])('%j', (paths, names) => {
  expect(shortNames(paths, 'linux')).toEqual(names);
});

test('on Windows, names stand behind either separator', () => {
  expect(shortNames(['C:\\photos\\dog.jpg', 'C:/photos/cat.jpg'], 'win32')).toEqual(['dog.jpg', 'cat.jpg']);
});

test('different files have different names, each the end of its path', () => {
  const part = fc.constantFrom('a', 'b', 'c');
  const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  fc.assert(
    fc.property(fc.uniqueArray(path, { maxLength: 8 }), (paths) => {
      const names = shortNames(paths);
      expect(new Set(names).size).toBe(paths.length);
      for (const [i, name] of names.entries()) expect(`/${paths[i]}`.endsWith(`/${name}`)).toBe(true);
    }),
  );
});
