import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shellLine } from './shell.ts';

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
