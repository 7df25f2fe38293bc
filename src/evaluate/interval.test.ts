import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fewImages, scoreText, wilson } from './interval.ts';

const cases = JSON.parse(
  readFileSync(new URL('../../tests/fixtures/intervals.json', import.meta.url), 'utf8'),
) as [right: number, images: number, low: number, high: number][];

it("Wilson's intervals are SciPy's", () => {
  expect(cases.length).toBeGreaterThan(20);
  for (const [right, images, low, high] of cases) {
    const [ours, other] = wilson(right / images, images);
    expect(ours, `${right} of ${images}`).toBeCloseTo(low, 10);
    expect(other, `${right} of ${images}`).toBeCloseTo(high, 10);
  }
  expect(() => wilson(1.2, 5)).toThrow('a share in [0, 1] of at least one image, got 1.2 of 5');
  expect(() => wilson(0.5, 0)).toThrow('got 0.5 of 0');
});

it('scores of few images have an interval and no meaningless digit', () => {
  expect(scoreText(0.5, 6)).toBe('50 % (19–81 %)');
  expect(scoreText(1, 6)).toBe('100 % (61–100 %)');
  expect(scoreText(0, 1)).toBe('0 % (0–79 %)');
  expect(scoreText(0.456, 999)).toBe('46 % (43–49 %)');
  expect(scoreText(0.4567, 1000)).toBe('45.7 %');
  expect(scoreText(0.4567, undefined)).toBe('45.7 %');
  expect(scoreText(Number.NaN, 10)).toBe('–');
  expect(fewImages(1)).toContain('judged on 1 image only');
  expect(fewImages(54)).toContain('judged on 54 images only');
  expect(fewImages(10_000)).toBeUndefined();
});
