import { expect, it } from 'vitest';
import { ProgressBar } from './progress-bar.ts';
import { count, duration, percent, table } from './table.ts';

/** A stream that remembers what was written to it. */
function stream(isTTY: boolean): NodeJS.WriteStream & { text: string } {
  const fake = {
    isTTY,
    columns: 40,
    text: '',
    write(text: string) {
      fake.text += text;
      return true;
    },
  };
  return fake as unknown as NodeJS.WriteStream & { text: string };
}

it('a terminal sees one line, written again', () => {
  const out = stream(true);
  const bar = new ProgressBar(out);
  bar.update(0.5, 'half');
  expect(out.text).toBe(`\r\x1b[2K${'█'.repeat(10)}${'░'.repeat(10)} half`);
  bar.update(0.6, 'too soon');
  expect(out.text).not.toContain('too soon');
  bar.update(2, `${'x'.repeat(100)}`, true);
  expect(out.text.split('\r').at(-1)!.slice(4)).toHaveLength(39); // never wraps
  const lines = stream(false);
  bar.line('a line', lines);
  expect(lines.text).toBe('a line\n');
  bar.clear();
  expect(out.text.endsWith('\r\x1b[2K')).toBe(true);
});

it('anything else sees plain lines, not too many', () => {
  const out = stream(false);
  const bar = new ProgressBar(out);
  for (let i = 0; i < 100; i++) bar.update(i / 100, `at ${i}`);
  expect(out.text).toBe('at 0\n');
  bar.update(1, 'end', true);
  expect(out.text).toBe('at 0\nend\n');
});

it('numbers for people', () => {
  expect([0, 59.6, 200, 7500].map(duration)).toEqual(['0 s', '1 min 00 s', '3 min 20 s', '2 h 05 min']);
  expect(count(1234567)).toBe('1,234,567');
  expect(percent(0.4567)).toBe('45.7 %');
  expect(
    table([
      ['a', 'long'],
      ['longer', 'b'],
    ]),
  ).toBe('a       long\nlonger  b');
});
