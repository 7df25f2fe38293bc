import { short } from '../config/recipes.ts';
import { markdownTable } from '../report/page.ts';
import type { Summary } from '../report/statistics.ts';
import { plural } from '../text/plural.ts';
import { type Budget, budgets } from './arms.ts';
import { measuresOf } from './judges.ts';
import type { StudyResults } from './results.ts';

/** The tables of a study as Markdown: for each budget top-1, what it cost, and differences between arms. */
export function studyTables(results: StudyResults): string {
  const { missing, arms } = results;
  const groups = unique(arms.map(({ group }) => group));
  const note = missing > 0 ? [`Not finished: ${plural(missing, 'score')} missing.`] : [];
  const tables = groups.flatMap((group) => budgets.flatMap((budget) => tablesOf(group, budget, results)));
  return [...note, ...tables, LEGEND].join('\n\n').concat('\n');
}

export const TITLES: Readonly<Record<Budget, string>> = { steps: 'Equal steps', compute: 'Equal compute' };

const LEGEND = `- Scores (top-1; mIoU of the judge segment, box AP of detect) in percent: mean ± standard deviation (n − 1) over the seeds (number of seeds); the last evaluation of each run, not the best one.
- Differences: mean over the seeds that both arms have, ± half of the 95 % interval by Student's t (number of pairs), in points.
- Equal steps: all arms are pre-trained for the same epochs and fine-tuned for the same epochs.
- Equal compute: pre-training lasts for as many whole epochs as cost what those of the first pre-trained arm cost, and fine-tuning from scratch gets that cost in additional epochs.
- Compute is counted in floating-point operations of the matrix products of all training steps (forward once, backward twice), of pre-training and fine-tuning together; seconds are those measured in these steps. kNN and linear probes add none.`;

function tablesOf(group: string, budget: Budget, { arms, differences }: StudyResults): string[] {
  const isOwn = (result: { group: string; budget: Budget }) =>
    result.group === group && result.budget === budget;
  const own = arms.filter(isOwn);
  if (own.length === 0) return [];
  const names = unique(own.map(({ arm }) => arm));
  const judges = unique(own.map(({ judge }) => judge));
  const rows = (cell: (result: (typeof own)[number]) => string) =>
    names.map((arm) => [
      arm,
      ...judges.map((judge) => {
        const found = own.find((result) => result.arm === arm && result.judge === judge);
        return found ? cell(found) : '–';
      }),
    ]);
  const between = differences.filter(isOwn);
  const pairs = unique(between.map((difference) => pairName(difference.arms)));
  const pairRows = pairs.map((pair) => [
    pair,
    ...judges.map((judge) => {
      const found = between.find((d) => pairName(d.arms) === pair && d.judge === judge);
      return found ? points(found.score) : '–';
    }),
  ]);
  return [
    `### ${group === '' ? '' : `${group}: `}${TITLES[budget]}`,
    markdownTable([[measuresOf(judges), ...judges], ...rows(({ score }) => share(score))]),
    ...(pairRows.length > 0 ? [markdownTable([['difference', ...judges], ...pairRows])] : []),
    markdownTable([
      ['compute', ...judges],
      ...rows(({ flops, seconds }) => `${short(flops)}FLOP, ${Math.round(seconds)} s`),
    ]),
  ];
}

/** `45.67 ± 0.12 (3)`. */
export function share({ n, mean, deviation }: Summary): string {
  const spread = deviation === undefined ? '' : ` ± ${hundredths(deviation)}`;
  return `${hundredths(mean)}${spread} (${n})`;
}

/** `+1.23 ± 0.45 (3)`. */
function points({ n, mean, interval }: Summary): string {
  const spread = interval === undefined ? '' : ` ± ${hundredths(interval)}`;
  return `${signed(mean)}${spread} (${n})`;
}

/** `+1.23`, in points. */
export function signed(fraction: number): string {
  return `${fraction < 0 ? '−' : '+'}${hundredths(Math.abs(fraction))}`;
}

export function hundredths(fraction: number): string {
  return (100 * fraction).toFixed(2);
}

function pairName([first, second]: readonly [string, string]): string {
  return `${second} − ${first}`;
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}
