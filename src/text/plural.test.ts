import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { plural } from './plural.ts';

it('one is one, everything else is many', () => {
  expect([0, 1, 2, 0.5, 1234567].map((n) => plural(n, 'epoch'))).toEqual([
    '0 epochs',
    '1 epoch',
    '2 epochs',
    '0.5 epochs',
    '1,234,567 epochs',
  ]);
  expect([1, 3].map((n) => plural(n, 'class', 'classes'))).toEqual(['1 class', '3 classes']);
  expect([1, 2].map((n) => plural(n, 'broken one'))).toEqual(['1 broken one', '2 broken ones']);
});

/** A number from a variable, and a noun for many: `${n} images`. Constants in capitals are never one. */
const COUNTED =
  /\$\{(?!plural\()[^{}]*(?:length|count|size|epochs?|steps?|images?|blocks|depth|heads|threads|missing|broken)\b[^{}]*\} (?:[a-z]+ )?(?:epochs|images|files|steps|blocks|heads|threads|classes|channels|tensors|weights|values|labels|rows|columns|patches|tokens|runs|scores|ones|sets|predictions|parts)\b/;

it('every message that counts says so by it', async () => {
  const source = fileURLToPath(new URL('..', import.meta.url));
  const names = (await readdir(source, { recursive: true })).filter((name) => /(?<!\.test)\.ts$/.test(name));
  expect(names.length).toBeGreaterThan(200);
  const found: string[] = [];
  for (const name of names)
    for (const line of (await readFile(join(source, name), 'utf8')).split('\n'))
      if (COUNTED.test(line)) found.push(`${name}: ${line.trim()}`);
  expect(found).toEqual([]);
});
