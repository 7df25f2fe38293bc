/** Mean and spread of a few numbers. */
export interface Summary {
  readonly n: number;
  readonly mean: number;
  /** Sample standard deviation (n − 1); undefined for fewer than two numbers. */
  readonly deviation?: number;
  /** Half the width of the 95 % interval of the mean, by Student's t; undefined for fewer than two numbers. */
  readonly interval?: number;
}

/** Throws RangeError for no numbers. */
export function summarise(values: readonly number[]): Summary {
  const n = values.length;
  if (n === 0) throw new RangeError('a summary needs at least one number, got none');
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  if (n === 1) return { n, mean };
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1));
  return { n, mean, deviation, interval: (studentT(n - 1) * deviation) / Math.sqrt(n) };
}

/** Differences `a − b` over the keys that both have, such as seeds. Undefined when they share none. */
export function pairedDifference<K>(
  a: ReadonlyMap<K, number>,
  b: ReadonlyMap<K, number>,
): Summary | undefined {
  const differences = [...a].flatMap(([key, value]) => {
    const other = b.get(key);
    return other === undefined ? [] : [value - other];
  });
  return differences.length === 0 ? undefined : summarise(differences);
}

/** Quantiles 0.975 of Student's t for 1 … 20 degrees of freedom. */
const T975 = [
  12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281, 2.201, 2.1788, 2.1604,
  2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.093, 2.086,
] as const;

/** Quantile 0.975 of Student's t; beyond the table by its expansion (Abramowitz and Stegun, 26.7.5). */
export function studentT(degrees: number): number {
  const z = 1.959964;
  const known = T975[degrees - 1];
  return known ?? z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2);
}
