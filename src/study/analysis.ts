import { type RankCorrelation, rankCorrelation } from '../report/ranks.ts';
import {
  chance,
  holm,
  pairedDifference,
  pooledDifference,
  pooledResidual,
  type Summary,
} from '../report/statistics.ts';
import { type Budget, type Group, SCRATCH } from './arms.ts';
import type { Score } from './results.ts';
import type { Primary, Study } from './schema.ts';

/** The one question that was asked beforehand, as far as it is answered. */
export interface Answer extends Primary {
  /** Seeds that both arms are to have. */
  readonly planned: number;
  /** First arm − second arm over the seeds that both have; undefined without any. */
  readonly difference?: Summary;
  readonly p?: number;
}

/** Comparison of two arms: difference and significance, adjusted for all comparisons of the table. */
export type Verdict = 'better' | 'worse' | 'not shown';

/** How much better an arm is than the first pre-trained one of its group. */
export interface Comparison {
  readonly group: string;
  readonly budget: Budget;
  readonly judge: string;
  readonly arm: string;
  readonly base: string;
  readonly n: number;
  readonly mean: number;
  readonly interval?: number;
  /** Adjusted after Holm over all judges and arms of the group and budget. */
  readonly p?: number;
  readonly verdict: Verdict;
}

/** How far the order of a group's arms agrees with that of published scores. */
export interface Agreement extends RankCorrelation {
  readonly reference: string;
  readonly group: string;
  readonly budget: Budget;
  readonly judge: string;
  readonly arms: number;
  readonly seeds: number;
}

/** Answers the primary question by Student's t on paired differences. Undefined for a study without one. */
export function answer({ primary, groups }: Study, scores: readonly Score[]): Answer | undefined {
  if (!primary) return undefined;
  const [first, second] = primary.arms;
  const group = groups.find(({ name }) => name === primary.group)!;
  const seedsOf = (name: string) => group.arms.find((arm) => arm.name === name)!.seeds;
  const planned = seedsOf(first).filter((seed) => seedsOf(second).includes(seed)).length;
  const [budget] = group.budgets;
  const own = scores.filter(
    (s) => s.group === primary.group && s.judge === primary.judge && s.budget === budget,
  );
  const bySeed = (arm: string) =>
    new Map(own.filter((score) => score.arm === arm).map(({ seed, score }) => [seed, score]));
  const difference = pairedDifference(bySeed(first), bySeed(second));
  const p = difference && chance(difference);
  return { ...primary, planned, ...(difference && { difference }), ...(p !== undefined && { p }) };
}

/** Compares the arms of a group with its first pre-trained one: all but the primary question, which stands by itself. */
export function compare(
  { primary }: Study,
  group: Group,
  budget: Budget,
  scores: readonly Score[],
): Comparison[] {
  const base = (group.arms.find((arm) => arm.task !== SCRATCH) ?? group.arms[0]!).name;
  const own = scores.filter((score) => score.group === group.name && score.budget === budget);
  const isPrimary = (judge: string, arm: string) =>
    primary?.group === group.name &&
    primary.judge === judge &&
    budget === group.budgets[0] &&
    [arm, base].every((name) => primary.arms.includes(name));
  const found = unique(own.map(({ judge }) => judge)).flatMap((judge) => {
    const entries = own
      .filter((score) => score.judge === judge)
      .map(({ arm, seed, score }) => ({ arm, seed, value: score }));
    const residual = pooledResidual(entries);
    return group.arms.flatMap(({ name: arm }) => {
      if (arm === base || isPrimary(judge, arm)) return [];
      const difference = pooledDifference(entries, arm, base, residual);
      return difference ? [{ group: group.name, budget, judge, arm, base, ...difference }] : [];
    });
  });
  const tested = found.filter(({ p }) => p !== undefined);
  const adjusted = new Map(holm(tested.map(({ p }) => p!)).map((p, i) => [tested[i]!, p]));
  return found.map((comparison): Comparison => {
    const p = adjusted.get(comparison);
    const verdict = p === undefined || p >= 0.05 ? 'not shown' : comparison.mean > 0 ? 'better' : 'worse';
    return { ...comparison, ...(p !== undefined && { p }), verdict };
  });
}

/** Compares the order of arms with that of published scores: the arms that both have, over the seeds that all of these have. */
export function agreements({ references, groups }: Study, scores: readonly Score[]): Agreement[] {
  return references.flatMap(({ name: reference, group, scores: published }) =>
    groups
      .find((candidate) => candidate.name === group)!
      .budgets.flatMap((budget) => {
        const own = scores.filter((score) => score.group === group && score.budget === budget);
        return unique(own.map(({ judge }) => judge)).flatMap((judge) => {
          const judged = own.filter((score) => score.judge === judge && score.arm in published);
          const arms = unique(judged.map(({ arm }) => arm));
          const of = (arm: string, seed: number) =>
            judged.find((s) => s.arm === arm && s.seed === seed)?.score;
          const seeds = unique(judged.map(({ seed }) => seed)).filter((seed) =>
            arms.every((arm) => of(arm, seed) !== undefined),
          );
          if (seeds.length === 0) return [];
          const table = arms.map((arm) => seeds.map((seed) => of(arm, seed)!));
          const correlation = rankCorrelation(
            table,
            arms.map((arm) => published[arm]!),
          );
          if (!correlation) return [];
          const counts = { arms: arms.length, seeds: seeds.length };
          return [{ reference, group, budget, judge, ...counts, ...correlation }];
        });
      }),
  );
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}
