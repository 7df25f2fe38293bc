import { UsageError } from '../errors.ts';

const SECONDS = { h: 3600, m: 60, s: 1 } as const;

/** Seconds of a text such as `20m`, `1h30m` or `90s`. Throws UsageError for other text. */
export function parseDuration(option: string, text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([hms])/g)];
  const seconds = parts.reduce((sum, [, n, unit]) => sum + Number(n) * SECONDS[unit as 'h'], 0);
  if (parts.map(([part]) => part).join('') !== text || !(seconds > 0))
    throw new UsageError(`${option} must be a time such as 20m, 1h30m or 90s, got "${text}"`);
  return seconds;
}

/** Seconds before the end in which what runs is saved: a tenth of the time, ten at most. */
function margin(seconds: number): number {
  return Math.min(10, seconds / 10);
}

/**
 * A signal that is aborted shortly before a time is over, counted from the start of the process; never without one. Throws
 * UsageError for other text than a time.
 */
export function timeBudget(text: string | undefined): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController();
  if (text === undefined) return { signal: controller.signal, done() {} };
  const seconds = parseDuration('--budget', text);
  const stop = () => controller.abort(new Error('the time is over'));
  const left = 1000 * Math.max(0, seconds - margin(seconds) - process.uptime());
  const timer = setTimeout(stop, Math.min(2 ** 31 - 1, left)); // Node's timers take 24 days at most: longer is as good as never
  return { signal: controller.signal, done: () => clearTimeout(timer) };
}
