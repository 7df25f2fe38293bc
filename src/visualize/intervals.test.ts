import { expect, it } from 'vitest';
import { renderIntervals } from './intervals.ts';

const rows = [
  { label: 'a <long> name of an arm, which takes room', values: [10, 20], mean: 15, half: 5 },
  { label: 'b', values: [30], mean: 30 },
];

it('draws means, intervals and values to scale, one colour for one label', () => {
  const svg = renderIntervals([
    { title: 'first', xLabel: 'top-1', rows },
    { title: 'second', xLabel: 'top-1', rows: rows.slice(1) },
  ]);
  const circles = [...svg.matchAll(/<circle cx="([\d.]+)" cy="[\d.]+" r="([\d.]+)"/g)].map(([, x, r]) => ({
    x: Number(x),
    r,
  }));
  const [ten, twenty, mean, thirty] = circles.slice(0, 4).map(({ x }) => x) as [
    number,
    number,
    number,
    number,
  ];
  expect(circles.map(({ r }) => r)).toEqual(['3', '3', '4.5', '3', '4.5', '3', '4.5']);
  expect(mean).toBeCloseTo((ten + twenty) / 2, 0);
  expect(thirty - twenty).toBeCloseTo(twenty - ten, 0);
  const [, from, to] = /<path d="M([\d.]+) [\d.]+H([\d.]+)" stroke="#\w+" stroke-width="2"/.exec(svg)!;
  expect([Number(from), Number(to)]).toEqual([ten, twenty]);
  expect(svg).toContain('a &lt;long&gt; name');
  expect(Number(/<text x="([\d.]+)"[^>]*>a &lt;/.exec(svg)![1])).toBeGreaterThan(6 * rows[0]!.label.length);
  const colours = [...svg.matchAll(/r="4.5" fill="(#\w+)"/g)].map(([, colour]) => colour);
  expect(colours[1]).toBe(colours[2]);
  expect(colours[0]).not.toBe(colours[1]);
});

it('draws a single number, and nothing', () => {
  expect(
    renderIntervals([{ title: 't', xLabel: 'x', rows: [{ label: 'a', values: [0], mean: 0 }] }]),
  ).not.toContain('NaN');
  expect(renderIntervals([{ title: 't', xLabel: 'x', rows: [] }])).not.toMatch(/NaN|Infinity/);
});
