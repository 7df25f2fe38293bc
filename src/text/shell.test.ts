import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { fc } from '../../tests/support/random.ts';
import { quoted, shellLine } from './shell.ts';

it('a shell takes a line apart into its words', () => {
  const word = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.replaceAll('\0', ''));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), (words) => {
      const script = `for word in ${shellLine(...words)}; do printf '%s\\0' "$word"; done`;
      const said = execFileSync('sh', ['-c', script], { env: { HOME: '/nowhere' } });
      expect(said).toEqual(Buffer.from(words.map((text) => `${text}\0`).join('')));
    }),
    { numRuns: 50 },
  );
});

it.each([
  ['runs/mine', 'runs/mine'],
  ['my photos', "'my photos'"],
  ["it's", "'it'\\''s'"],
  ['', "''"],
  ['$HOME', "'$HOME'"],
])('quotes %j as %s', (word, line) => {
  expect(shellLine('knn', word)).toBe(`knn ${line}`);
});

/** Parses a command line as Microsoft's C runtime does ("Parsing C command-line arguments"). */
function wordsOnWindows(line: string): string[] {
  const words: string[] = [];
  let [word, inside] = [undefined as string | undefined, false];
  for (const [, slashes, character] of line.matchAll(/(\\*)([^\\]|$)/gs)) {
    if (character === '"') {
      word = (word ?? '') + slashes!.slice(0, slashes!.length >> 1);
      if (slashes!.length % 2 === 1) word += '"';
      else inside = !inside;
    } else {
      if (slashes) word = (word ?? '') + slashes;
      if (character && (inside || !/[ \t]/.test(character))) word = (word ?? '') + character;
      else if (character !== '' || slashes || word !== undefined) {
        if (word !== undefined) words.push(word);
        word = undefined;
      }
    }
  }
  return words;
}

it('a program on Windows gets the same words', () => {
  const word = fc.string({
    unit: fc.constantFrom('a', ' ', '"', '\\', '/', ':', ',', "'", '\t', 'é'),
    maxLength: 8,
  });
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
      const line = words.map((text) => quoted(text, 'win32')).join(' ');
      expect(wordsOnWindows(line)).toEqual(words);
    }),
    { numRuns: 300 },
  );
});

it.each([
  ['C:\\photos\\2019', 'C:\\photos\\2019'],
  ['C:\\my photos\\', '"C:\\my photos\\\\"'],
  ['\\\\server\\share\\my photos', '"\\\\server\\share\\my photos"'],
  ["classes:D:\\it's", '"classes:D:\\it\'s"'],
  ['0.1,0.3', '"0.1,0.3"'], // PowerShell reads a comma as a list
  ['', '""'],
])('quotes %j on Windows as %s', (text, line) => {
  expect(quoted(text, 'win32')).toBe(line);
});
