import { expect, it } from 'vitest';
import { epochText, table } from './table.ts';

it('has columns, whatever the names', () => {
  const rows = [
    ['image', 'likeliest'],
    ['new\nline.png', 'dog\t2'],
    ['a.png', 'cat'],
  ];
  expect(table(rows).split('\n')).toEqual([
    'image          likeliest',
    'new\\nline.png  dog\\t2',
    'a.png          cat',
  ]);
});

it('one long name does not push all others apart', () => {
  const long = `${'x'.repeat(250)}.png`;
  const lines = table([
    ['image', 'likeliest'],
    [long, 'cat'],
    ['a.png', 'dog'],
  ]).split('\n');
  expect(lines[1]).toBe(`${long}  cat`);
  expect(lines[2]).toMatch(/^a\.png {50,60}dog$/);
});

it.each([
  [1, 'epoch 1 done'],
  [1.9999999999, 'epoch 2 done'],
  [0.4, 'epoch 0.40'],
  [2.5, 'epoch 2.50'],
  [0, 'epoch 0.00'],
])('epoch %d is shown as: %s', (epoch, text) => {
  expect(epochText(epoch)).toBe(text);
});
