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
