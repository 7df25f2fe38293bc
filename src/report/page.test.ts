import { expect, test } from 'vitest';
import { markdownTable, renderMarkdown } from './page.ts';

test('columns of numbers are set to the right', () => {
  const rows = [
    ['name', 'word', 'number', 'nothing'],
    ['3', 'a', '1.5 %', '–'],
    ['4', '2', '−3', ''],
  ];
  expect(markdownTable(rows).split('\n')[1]).toBe('| --- | --- | ---: | ---: |');
});

test.each([
  ['# no heading', '\\# no heading'],
  ['1. no list', '1\\. no list'],
  ['1.5 %', '1.5 %'],
  ['- no list', '\\- no list'],
  ['a\n\n| b `c` *d* <e> [f](g) &amp;', 'a \\| b \\`c\\` \\*d\\* \\<e\\> \\[f\\](g) \\&amp;'],
])('Markdown shows %j as it is', (text, escaped) => {
  expect(renderMarkdown('t', [{ kind: 'paragraph', text }], 'p')).toBe(`# t\n\n${escaped}\n`);
});
