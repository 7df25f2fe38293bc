import { expect, it } from 'vitest';
import { parseDuration, timeBudget } from './time-budget.ts';

it.each([
  ['20m', 1200],
  ['1h30m', 5400],
  ['90s', 90],
  ['1.5h', 5400],
  ['1h0m5s', 3605],
])('%s is %d seconds', (text, seconds) => {
  expect(parseDuration('--budget', text)).toBe(seconds);
});

it.each(['', '20', 'm', '20 m', '-5m', '0s', '5d', '1e3s', '20mm', 'm20'])('refuses "%s"', (text) => {
  expect(() => parseDuration('--budget', text)).toThrow(
    `--budget must be a time such as 20m, 1h30m or 90s, got "${text}"`,
  );
});

it('aborts when the time is over, and never without one or after it was given back', async () => {
  const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const over = timeBudget('0.001s'); // the process is older than that
  const [never, back, long] = [timeBudget(undefined), timeBudget('0.001s'), timeBudget('1000000h')];
  back.done();
  await wait(50);
  expect([over, never, back, long].map(({ signal }) => signal.aborted)).toEqual([true, false, false, false]);
  long.done();
});
