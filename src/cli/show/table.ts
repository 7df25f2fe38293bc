import { oneLine } from '../../text/one-line.ts';

/** Letters of the widest column: longer text, which few rows have, runs over. */
const WIDEST = 60;

/** Rows of text as columns, two spaces apart; the first row is the heading. */
export function table(given: readonly (readonly string[])[]): string {
  const rows = given.map((row) => row.map(oneLine));
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.min(WIDEST, Math.max(...rows.map((row) => (row[column] ?? '').length))),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** 1234567 as `1,234,567`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Seconds as `2 h 05 min`, `3 min 20 s` or `12 s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours > 0) return `${hours} h ${String(minutes).padStart(2, '0')} min`;
  return minutes > 0 ? `${minutes} min ${String(whole % 60).padStart(2, '0')} s` : `${whole} s`;
}

/** `epoch 2 done`, or `epoch 0.40` inside of one. */
export function epochText(epoch: number): string {
  const whole = Math.round(epoch);
  return whole > 0 && Math.abs(epoch - whole) < 1e-6 ? `epoch ${whole} done` : `epoch ${epoch.toFixed(2)}`;
}

/** 0.4567 as `45.7 %`. */
export function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
