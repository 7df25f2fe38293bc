import { expect, it } from 'vitest';
import { oneLine, terminalText } from './one-line.ts';

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

it.each([
  ['first\nsecond \u001b[31mred', 'first\nsecond \\e[31mred'],
  ['a\r\nb\u0007\u009b2J', 'a\nb\\u{7}\\u{9b}2J'],
  [
    `no such file: ${'y'.repeat(3000)} choose another`,
    `no such file: ${'y'.repeat(100)}…${'y'.repeat(100)} choose another`,
  ],
  [`'${'é'.repeat(255)}.jpg'`, `'${'é'.repeat(255)}.jpg'`],
])('shows message %# as a terminal may see it', (message, shown) => {
  expect(terminalText(message)).toBe(shown);
});
