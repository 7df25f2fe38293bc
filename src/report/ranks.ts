import { rng } from '../random/rng.ts';

/** Spearman's rank correlation, ties by their mean rank. Undefined for fewer than three pairs, or where one side is constant. */
export function spearman(a: readonly number[], b: readonly number[]): number | undefined {
  if (a.length !== b.length || a.length < 3) return undefined;
  const [ranksA, ranksB] = [ranks(a), ranks(b)];
  const middle = (a.length + 1) / 2;
  const product = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, i) => sum + (value - middle) * (y[i]! - middle), 0);
  const spread = Math.sqrt(product(ranksA, ranksA) * product(ranksB, ranksB));
  return spread > 0 ? product(ranksA, ranksB) / spread : undefined;
}

/** Ranks from 1 on, the lowest first. */
function ranks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const same = values.filter((other) => other === value).length;
    return below + (same + 1) / 2;
  });
}

export interface RankCorrelation {
  readonly rho: number;
  /** Where 95 % of the resamples lie; undefined for fewer than two seeds. */
  readonly interval?: readonly [number, number];
}

/**
 * The rank correlation of arms' mean scores with a reference, its interval by resampling seeds: all arms of a seed together.
 * Undefined as `spearman`.
 * @param scores of each arm by seed, [arms][seeds]
 */
export function rankCorrelation(
  scores: readonly (readonly number[])[],
  reference: readonly number[],
  { resamples = 10_000, seed = 0 } = {},
): RankCorrelation | undefined {
  const seeds = scores[0]?.length ?? 0;
  const all = Array.from({ length: seeds }, (_, i) => i);
  const of = (chosen: readonly number[]) =>
    spearman(
      scores.map((own) => chosen.reduce((sum, i) => sum + own[i]!, 0)),
      reference,
    );
  const rho = of(all);
  if (rho === undefined) return undefined;
  if (seeds < 2) return { rho };
  const draws = rng(seed, 'bootstrap');
  const drawn = Array.from({ length: resamples }, () => of(all.map(() => draws.int(seeds))) ?? 0);
  drawn.sort((a, b) => a - b);
  const at = (share: number) => drawn[Math.min(resamples - 1, Math.floor(share * resamples))]!;
  return { rho, interval: [at(0.025), at(0.975)] };
}

/** Two numbers of a model, which a seed made. */
export interface PairOfSeed {
  readonly seed: number;
  readonly a: number;
  readonly b: number;
}

/**
 * The rank correlation of two numbers over models, its interval by resampling seeds: all models of a seed together. Resamples without a
 * correlation, as where all values are equal, are left out. Undefined as `spearman`.
 */
export function correlationOverSeeds(
  models: readonly PairOfSeed[],
  { resamples = 10_000, seed = 0 } = {},
): RankCorrelation | undefined {
  const of = (chosen: readonly PairOfSeed[]) =>
    spearman(
      chosen.map(({ a }) => a),
      chosen.map(({ b }) => b),
    );
  const rho = of(models);
  if (rho === undefined) return undefined;
  const seeds = [...new Set(models.map((model) => model.seed))];
  if (seeds.length < 2) return { rho };
  const draws = rng(seed, 'bootstrap');
  const drawn = Array.from({ length: resamples }, () => {
    const chosen = seeds.map(() => seeds[draws.int(seeds.length)]!);
    return of(chosen.flatMap((own) => models.filter((model) => model.seed === own)));
  });
  const known = drawn.filter((value) => value !== undefined).sort((x, y) => x - y);
  if (known.length === 0) return { rho };
  const at = (share: number) => known[Math.min(known.length - 1, Math.floor(share * known.length))]!;
  return { rho, interval: [at(0.025), at(0.975)] };
}
