import { expect, it } from 'vitest';
import { roughTime } from './rough-time.ts';

it('takes the unit that says most', () => {
  const day = 86_400;
  const times = [0, 29, 30, 600, 5399, 5400, 20 * 3600, 2 * day, 456 * day, 730 * day, 12_345 * 365 * day];
  expect(times.map(roughTime)).toEqual([
    ...['<1 min', '<1 min', '1 min', '10 min', '90 min', '2 h', '20 h', '2 d', '460 d', '2 y', '12,000 y'],
  ]);
  expect(roughTime(Number.NaN)).toBe('<1 min');
});
