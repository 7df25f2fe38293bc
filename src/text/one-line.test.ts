import { expect, it } from 'vitest';
import { oneLine } from './one-line.ts';

it.each([
  ['dog\n2', 'dog\\n2'],
  ['a\tb\r\n', 'a\\tb\\r\\n'],
  ['\u001b[2Jgone.png', '\\e[2Jgone.png'],
  ['\u202egnp.exe', '\\u{202e}gnp.exe'],
  ['a\u2028b\u0085', 'a\\u{2028}b\\u{85}'],
  ["it's 🐄 | café \\ ok", "it's 🐄 | café \\ ok"],
])('%j is shown as %s', (text, shown) => {
  expect(oneLine(text)).toBe(shown);
});
