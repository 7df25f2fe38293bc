import { probability, quantile } from './student.ts';

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
  const mean = meanOf(values);
  if (n === 1) return { n, mean };
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1));
  return { n, mean, deviation, interval: (quantile(n - 1) * deviation) / Math.sqrt(n) };
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

/** The probability of a mean as far from 0 as this one where the true mean is 0, by Student's t; undefined without a spread. */
export function chance({ n, mean, deviation }: Summary): number | undefined {
  if (deviation === undefined) return undefined;
  return probability((Math.abs(mean) * Math.sqrt(n)) / deviation, n - 1);
}

/** A number in a table of arms by seeds. Numbers may be missing. */
export interface Entry {
  readonly arm: string;
  readonly seed: number;
  readonly value: number;
}

/** Residuals of the two-way model arm + seed: standard deviation and degrees of freedom. */
export interface Residual {
  readonly deviation: number;
  readonly degrees: number;
}

/** Sweeps after which the fit of a table has long converged. */
const SWEEPS = 10_000;

/**
 * The residual spread of a two-way table, `value = arm + seed + residual`, by least squares, of all arms together. Undefined where
 * nothing is left to estimate it from.
 */
export function pooledResidual(entries: readonly Entry[]): Residual | undefined {
  const [arms, seeds] = [unique(entries.map(({ arm }) => arm)), unique(entries.map(({ seed }) => seed))];
  const degrees = entries.length - arms.length - seeds.length + components(entries);
  if (degrees <= 0) return undefined;
  const arm = new Map(arms.map((name) => [name, 0]));
  const seed = new Map(seeds.map((name) => [name, 0]));
  const rest = (entry: Entry) => entry.value - arm.get(entry.arm)! - seed.get(entry.seed)!;
  let before = Number.POSITIVE_INFINITY;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    // Each mean in turn is the best for what the others leave: the sum of squares falls to its minimum.
    for (const name of arms)
      arm.set(name, arm.get(name)! + meanOf(entries.filter((e) => e.arm === name).map(rest)));
    for (const name of seeds)
      seed.set(name, seed.get(name)! + meanOf(entries.filter((e) => e.seed === name).map(rest)));
    const squares = entries.reduce((sum, entry) => sum + rest(entry) ** 2, 0);
    if (squares >= before * (1 - 1e-14)) break;
    before = squares;
  }
  const squares = entries.reduce((sum, entry) => sum + rest(entry) ** 2, 0);
  return { deviation: Math.sqrt(squares / degrees), degrees };
}

/** A difference of two arms over their common seeds, with the spread of all arms. */
export interface PooledDifference {
  /** Pairs. */
  readonly n: number;
  readonly mean: number;
  /** Half the width of the 95 % interval, and the probability of such a difference where there is none; undefined without a spread. */
  readonly interval?: number;
  readonly p?: number;
}

/** `a − b` over the seeds that both have; the mean of n pairs varies by 2 / n of the residual variance. Undefined without pairs. */
export function pooledDifference(
  entries: readonly Entry[],
  a: string,
  b: string,
  residual = pooledResidual(entries),
): PooledDifference | undefined {
  const bySeed = (name: string) =>
    new Map(entries.filter(({ arm }) => arm === name).map(({ seed, value }) => [seed, value]));
  const pairs = pairedDifference(bySeed(a), bySeed(b));
  if (!pairs) return undefined;
  const { n, mean } = pairs;
  if (!residual) return { n, mean };
  const error = residual.deviation * Math.sqrt(2 / n);
  const { degrees } = residual;
  return { n, mean, interval: quantile(degrees) * error, p: probability(Math.abs(mean) / error, degrees) };
}

/** Probabilities adjusted for their number (Holm 1979): those below 0.05 are wrong together in 5 % of all cases. In their order. */
export function holm(probabilities: readonly number[]): number[] {
  const n = probabilities.length;
  const order = probabilities.map((_, i) => i).sort((a, b) => probabilities[a]! - probabilities[b]!);
  const adjusted = new Array<number>(n).fill(0);
  let largest = 0;
  for (const [rank, i] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (n - rank) * probabilities[i]!));
    adjusted[i] = largest;
  }
  return adjusted;
}

/** Numbers of sets that hang together by common arms or seeds. */
function components(entries: readonly Entry[]): number {
  const open = new Set(entries);
  let count = 0;
  for (const first of entries) {
    if (!open.delete(first)) continue;
    count++;
    const reached = [first];
    for (let entry = reached.pop(); entry; entry = reached.pop())
      for (const other of open)
        if ((other.arm === entry.arm || other.seed === entry.seed) && open.delete(other)) reached.push(other);
  }
  return count;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}
