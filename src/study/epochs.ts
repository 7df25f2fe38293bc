import { createHash } from 'node:crypto';
import type { MetricsRow } from '../visualize/series.ts';

/** Counters: the value of an epoch is that of its last row. */
const COUNTED = ['step', 'epoch', 'lr', 'seconds'];

/**
 * Rows of steps as one row for every `together` epochs: means of the values of each step, the last of counters and of single
 * measurements. Only the loss keeps all of its digits.
 */
export function byEpoch(rows: readonly MetricsRow[], together = 1): MetricsRow[] {
  const epochs = new Map<number, MetricsRow[]>();
  for (const row of rows) {
    const epoch = Math.ceil((row.epoch ?? 0) / together);
    epochs.set(epoch, [...(epochs.get(epoch) ?? []), row]);
  }
  return [...epochs.values()].map(merged);
}

/** A digest: equal if two trainings had the same losses, bit for bit. @param rows of epochs */
export function lossesKey(rows: readonly MetricsRow[]): string {
  const losses = rows.map(({ step, loss }) => [step, loss]);
  return createHash('sha256').update(JSON.stringify(losses)).digest('hex').slice(0, 16);
}

function merged(rows: readonly MetricsRow[]): MetricsRow {
  const keys = new Set(rows.flatMap((row) => Object.keys(row)));
  return Object.fromEntries([...keys].map((key) => [key, value(rows, key)])) as MetricsRow;
}

function value(rows: readonly MetricsRow[], key: string): unknown {
  const values = rows.map((row) => row[key]);
  const numbers = values.filter((given): given is number => typeof given === 'number');
  if (COUNTED.includes(key) || numbers.length < rows.length)
    return short(values.findLast((given) => given !== undefined));
  const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
  return key === 'loss' ? mean : short(mean);
}

function short(given: unknown): unknown {
  return typeof given === 'number' ? Number(given.toPrecision(6)) : given;
}
