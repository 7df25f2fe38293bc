import { expect, it } from 'vitest';
import { evaluate } from '../../tests/support/evaluate.ts';
import { whole, withRandom } from '../../tests/support/random.ts';
import { constant } from '../graph/index.ts';
import { maskTokens, visibleTokens } from './masking.ts';

it('keeps the first tokens of an order and marks the others', () => {
  withRandom(50, (random) => {
    const tokens = whole(random, 2, 20);
    const visible = whole(random, 1, tokens);
    const orders = [random.permutation(tokens), random.permutation(tokens)];
    const order = constant(Int32Array.from(orders.flatMap((one) => [...one])), [2, tokens]);
    const { keep, removed, mask, restore } = maskTokens(order, visible);
    const kept = orders.map((one) => [...one.slice(0, visible)]);
    expect(evaluate(keep)).toEqual(kept.flat());
    expect(evaluate(removed)).toEqual(orders.flatMap((one) => [...one.slice(visible)]));
    const marks = kept.flatMap((one) => Array.from({ length: tokens }, (_, i) => (one.includes(i) ? 0 : 1)));
    expect(evaluate(mask)).toEqual(marks);
    const places = orders.flatMap((one) => Array.from({ length: tokens }, (_, i) => one.indexOf(i)));
    expect(evaluate(restore)).toEqual(places);
  });
});

it.each([
  [196, 0.75, 49],
  [64, 0.75, 16],
  [15, 0.75, 3],
  [15, 0.55, 6],
  [100, 0.9, 10], // 100 · (1 − 0.9) is 9.999… in floating point
  [10, 0.7, 3],
  [196, 0, 196],
])('%i tokens at ratio %f leave %i', (tokens, ratio, visible) => {
  expect(visibleTokens(tokens, ratio)).toBe(visible);
});

it('refuses ratios outside of [0, 1), and ratios that leave no token', () => {
  for (const ratio of [-0.1, 1, 1.2, Number.NaN])
    expect(() => visibleTokens(16, ratio)).toThrow(`mask ratio must lie in [0, 1), got ${ratio}`);
  expect(() => visibleTokens(4, 0.8)).toThrow('mask ratio must leave one of 4 tokens at least, got 0.8');
});
