import { scaleLinear } from 'd3-scale';
import { expect, test } from 'vitest';
import { fc } from '../../tests/support/random.ts';
import { formatTick, logTickLabels, tickLabels } from './ticks.ts';

test.each([
  [0, '0'],
  [0.1 + 0.2, '0.3'],
  [-0.25, '-0.25'],
  [1500, '1500'],
  [20_000, '20k'],
  [2_500_000, '2.5M'],
  [1.5e-4, '1.5e-4'],
  [3e12, '3e12'],
])('tick %d is %s', (value, text) => {
  expect(formatTick(value)).toBe(text);
});

test.each([
  ['a narrow range far from zero', [1.3406, 1.3408, 1.341, 1.3412], ['1.3406', '1.3408', '1.3410', '1.3412']],
  ['small next to smaller', [0, 5e-4, 1e-3, 1.5e-3, 2e-3], ['0', '0.0005', '0.0010', '0.0015', '0.0020']],
  ['thousands', [0, 5000, 10_000, 15_000], ['0', '5k', '10k', '15k']],
  ['small numbers alone', [0, 2e-5, 4e-5], ['0', '2e-5', '4e-5']],
  ['quarters', [0, 2.5, 5, 7.5], ['0', '2.5', '5.0', '7.5']],
  ['negative', [-1, -0.5, 0, 0.5], ['-1.0', '-0.5', '0', '0.5']],
  ['none', [], []],
  ['zero alone', [0], ['0']],
])('labels of %s', (_, ticks, labels) => {
  expect(tickLabels(ticks)).toEqual(labels);
});

test('shares are percent', () => {
  expect(tickLabels([0, 0.25, 0.5], true)).toEqual(['0 %', '25 %', '50 %']);
  expect(tickLabels([0.455, 0.46, 0.465], true)).toEqual(['45.5 %', '46.0 %', '46.5 %']);
});

test('powers of ten share a notation', () => {
  expect(logTickLabels([0.001, 0.01, 0.1, 1])).toEqual(['0.001', '0.01', '0.1', '1']);
  expect(logTickLabels([1e-4, 1e-3, 1e-2])).toEqual(['1e-4', '1e-3', '1e-2']);
  expect(logTickLabels([100, 1e3, 1e4])).toEqual(['1e2', '1e3', '1e4']);
});

test('neighbours never have one label, and every label is its number', () => {
  const end = fc.double({ min: -1e12, max: 1e12, noNaN: true }).map((x) => (Math.abs(x) < 1e-200 ? 0 : x));
  fc.assert(
    fc.property(
      end,
      fc.double({ min: 1e-9, max: 10, noNaN: true }),
      fc.integer({ min: 2, max: 8 }),
      (low, width, n) => {
        const ticks = scaleLinear([low, low + Math.abs(low || 1) * width], [0, 1])
          .nice(n)
          .ticks(n);
        const labels = tickLabels(ticks);
        expect(new Set(labels).size).toBe(ticks.length);
        const units: Readonly<Record<string, number>> = { k: 1e3, M: 1e6 };
        for (const [i, label] of labels.entries()) {
          const number = Number.parseFloat(label) * (units[label.at(-1)!] ?? 1);
          const step = ticks[1]! - ticks[0]!;
          expect(Math.abs(number - ticks[i]!)).toBeLessThan(1e-3 * step);
        }
      },
    ),
    { numRuns: 500 },
  );
});
