import { expect, test } from 'vitest';
import { brokenSteps, furtherNames, type MetricsRow, seriesOf, smooth, thin } from './series.ts';

const rows: MetricsRow[] = [
  { step: 0, loss: 2, centre: 1, note: 'x' },
  { step: 1, loss: null, lr: 0.1 },
  { step: 2, loss: Number.NaN, edge: 3 },
  { step: 3, heldOutLoss: 1 },
  { step: 4, loss: 1, edge: Number.POSITIVE_INFINITY },
];

test('a series has the finite values only; broken steps have another loss', () => {
  expect(seriesOf(rows, 'loss')).toEqual([
    { x: 0, y: 2 },
    { x: 4, y: 1 },
  ]);
  expect(brokenSteps(rows)).toEqual([1, 2]);
  expect(seriesOf(rows, 'note')).toEqual([]);
});

test('unknown keys with numbers are parts of the loss, or scores where rows with a loss go without', () => {
  const measured: MetricsRow[] = [
    { step: 0, loss: 2, centre: 1, edge: 2, note: 'x' },
    { step: 1, loss: null, lr: 0.1 },
    { step: 2, loss: 1, centre: 1, edge: 3, spread: 0.4 },
  ];
  expect(furtherNames(measured)).toEqual({ parts: ['centre', 'edge'], scores: ['spread'] });
  expect(furtherNames([])).toEqual({ parts: [], scores: [] });
});

test('smoothing is the mean of the neighbours', () => {
  const points = [0, 3, 6, 0, 3].map((y, x) => ({ x, y }));
  expect(smooth(points, 3).map(({ y }) => y)).toEqual([1.5, 3, 3, 3, 1.5]);
  expect(smooth(points, 1)).toEqual(points);
  expect(smooth([], 9)).toEqual([]);
});

test('thinning keeps both ends of the range in every stretch, in order', () => {
  const points = Array.from({ length: 1000 }, (_, x) => ({ x, y: x === 503 ? 99 : Math.sin(x) }));
  const kept = thin(points, 50);
  expect(kept).toHaveLength(100);
  expect(kept).toContainEqual({ x: 503, y: 99 });
  expect(kept.map(({ x }) => x)).toEqual(kept.map(({ x }) => x).sort((a, b) => a - b));
  expect(thin(points.slice(0, 20), 50)).toEqual(points.slice(0, 20));
});
