/** Numbers outside of this range are written with an exponent. */
const [LARGE, SMALL] = [1e9, 1e-3];

/** A short form of a single number, without rounding noise: 0.25, 20k, 3M, 1.5e-4. */
export function formatTick(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= LARGE || size < SMALL) return Number(value.toPrecision(3)).toExponential().replace('e+', 'e');
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(4))}k`;
  return String(Number(value.toPrecision(4)));
}

/**
 * Labels of an axis: all in one notation, with enough decimals to distinguish neighbours.
 * @param ticks evenly spaced, ascending
 * @param percent true: fractions are shown in percent
 */
export function tickLabels(ticks: readonly number[], percent = false): string[] {
  if (ticks.length === 0) return [];
  const [unit, sign] = unitOf(Math.max(...ticks.map(Math.abs)), percent);
  const step = (ticks.length > 1 ? ticks[1]! - ticks[0]! : ticks[0] || 1) / unit;
  const decimals = decimalsOf(step);
  return ticks.map((tick) => {
    if (tick === 0) return percent ? '0 %' : '0';
    return `${(tick / unit).toFixed(decimals)}${sign}`;
  });
}

/** Labels of a logarithmic axis, powers of ten: all with an exponent if one needs it. */
export function logTickLabels(ticks: readonly number[]): string[] {
  const plain = ticks.every((tick) => tick >= SMALL && tick < 1e4);
  return ticks.map((tick) =>
    plain ? String(Number(tick.toPrecision(1))) : `1e${Math.round(Math.log10(tick))}`,
  );
}

/** Divisor of an axis's numbers, and its suffix. */
function unitOf(largest: number, percent: boolean): [unit: number, sign: string] {
  if (percent) return [0.01, ' %'];
  if (largest === 0) return [1, ''];
  if (largest >= LARGE || largest < SMALL) {
    const exponent = Math.floor(Math.log10(largest) + 1e-9);
    return [10 ** exponent, `e${exponent}`];
  }
  if (largest >= 1e6) return [1e6, 'M'];
  return largest >= 1e4 ? [1e3, 'k'] : [1, ''];
}

/** Decimals of a step of 1, 2 or 5 times a power of ten (2.5 times: one more). */
function decimalsOf(step: number): number {
  for (let decimals = 0; decimals < 15; decimals++) {
    const scaled = Math.abs(step) * 10 ** decimals;
    if (scaled >= 0.999 && Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return decimals;
  }
  return 15;
}
