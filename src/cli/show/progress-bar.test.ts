import { expect, it } from 'vitest';
import { fc } from '../../../tests/support/random.ts';
import { ProgressBar } from './progress-bar.ts';
import { count, duration, percent, table } from './table.ts';

/** A stream that remembers what was written to it. */
function stream(isTTY: boolean, columns = 40): NodeJS.WriteStream & { text: string } {
  const fake = {
    isTTY,
    columns,
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

/** The line that a terminal with this number of columns shows. */
function shown(columns: number, text: string, done = 0.5): string {
  const out = stream(true, columns);
  new ProgressBar(out).update(done, text);
  return out.text.slice('\r\x1b[2K'.length);
}

const whole = 'epoch 12.34/50  step 12345/50000  loss 0.4321  580 img/s  12 min 05 s left';
it.each([
  [120, whole],
  [90, whole],
  [80, whole],
  [70, 'epoch 12.34/50  step 12345/50000  loss 0.4321  12 min 05 s left'],
  [60, 'epoch 12.34/50  step 12345/50000  12 min 05 s left'],
  [40, 'epoch 12.34/50  12 min 05 s left'],
  [30, 'epoch 12.3…  12 min 05 s left'],
])('at %i columns the bar gives way first, and the time left stays', (columns, kept) => {
  const line = shown(columns, whole, 0.25);
  const bar = Math.min(20, columns - 2 - kept.length);
  const filled = Math.round(bar / 4);
  expect(line).toBe(bar < 4 ? kept : `${'█'.repeat(filled)}${'░'.repeat(bar - filled)} ${kept}`);
});

it('never wraps, and cuts no time left while there is room for it', () => {
  const part = fc
    .string({ minLength: 1, maxLength: 30 })
    .map((text) => text.trim().replace(/\s+/g, ' ') || 'x');
  const parts = fc.array(part, { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(parts, fc.integer({ min: 21, max: 200 }), (parts, columns) => {
      const line = shown(columns, [...parts, '2 h 05 min left'].join('  '));
      expect(line.length).toBeLessThan(columns);
      expect(line.endsWith('  2 h 05 min left')).toBe(true);
    }),
  );
});

it('one part alone is cut at its end', () => {
  expect(shown(30, 'x'.repeat(50))).toBe('x'.repeat(29));
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
