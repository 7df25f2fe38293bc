import { pairedDifference, type Summary, summarise } from '../report/statistics.ts';
import { type Budget, budgets } from './arms.ts';
import type { Cell } from './pieces.ts';
import { type Places, readRecord } from './places.ts';
import type { StudyPlan } from './plan.ts';
import { type PieceRecord, scoreOf } from './record.ts';

/** A cell with the scores from the files of its runs. */
export interface Score extends Cell {
  /** Top-1, mIoU of the judge `segment` or box AP of `detect`, in [0, 1]. */
  readonly score: number;
  /** Floating-point operations and seconds of training: of the model and of its judge. */
  readonly flops: number;
  readonly seconds: number;
  /** True if the model was trained again for this judge, with losses that differ from the kept ones. */
  readonly retrained?: true;
}

/** An arm before a judge, over its seeds. */
export interface ArmResult {
  readonly group: string;
  readonly budget: Budget;
  readonly arm: string;
  readonly judge: string;
  readonly score: Summary;
  /** Means over the seeds. */
  readonly flops: number;
  readonly seconds: number;
}

/** How much better the second arm is than the first, over the seeds that both have. */
export interface Difference {
  readonly group: string;
  readonly budget: Budget;
  readonly judge: string;
  readonly arms: readonly [string, string];
  readonly score: Summary;
}

export interface StudyResults {
  readonly scores: readonly Score[];
  readonly arms: readonly ArmResult[];
  readonly differences: readonly Difference[];
  /** Cells without a score yet. */
  readonly missing: number;
}

/** Results of finished pieces by id. */
export type Records = ReadonlyMap<string, PieceRecord>;

/** Reads what finished pieces left. Throws an error that names a file that is broken. */
export async function readRecords({ pieces }: StudyPlan, places: Places): Promise<Records> {
  const records = new Map<string, PieceRecord>();
  for (const piece of pieces) {
    const record = await readRecord(piece, places);
    if (record) records.set(piece.id, record);
  }
  return records;
}

/** The scores of the cells whose judges are finished. */
export function scoresOf({ pieces, cells }: StudyPlan, records: Records): Score[] {
  const byId = new Map(pieces.map((piece) => [piece.id, piece]));
  return cells.flatMap((cell) => {
    const [model, judge] = [byId.get(cell.model)!, byId.get(cell.piece)!];
    const [trained, judged] = [records.get(cell.model)?.scores, records.get(cell.piece)?.scores];
    if (!judged) return [];
    const retrained = trained && judged.modelLosses !== undefined && judged.modelLosses !== trained.losses;
    return {
      ...cell,
      score: scoreOf(judged)!,
      flops: model.flops + judge.flops,
      seconds: (trained?.seconds ?? 0) + (judge.flops > 0 ? judged.seconds : 0),
      ...(retrained && { retrained }),
    };
  });
}

/** Means and spreads over seeds, and differences between arms, group by group. */
export function summariseStudy({ cells }: Pick<StudyPlan, 'cells'>, scores: readonly Score[]): StudyResults {
  const results: ArmResult[] = [];
  const differences: Difference[] = [];
  for (const group of unique(cells.map((cell) => cell.group)))
    for (const budget of budgets) {
      const own = <T extends Cell>(some: readonly T[]) =>
        some.filter((cell) => cell.group === group && cell.budget === budget);
      const arms = unique(own(cells).map(({ arm }) => arm));
      const known = own(scores);
      for (const judge of unique(own(cells).map((cell) => cell.judge))) {
        const of = (arm: string) => known.filter((score) => score.judge === judge && score.arm === arm);
        const bySeed = (arm: string) => new Map(of(arm).map(({ seed, score }) => [seed, score]));
        for (const [i, arm] of arms.entries()) {
          const scored = of(arm);
          if (scored.length === 0) continue;
          const mean = (key: 'flops' | 'seconds') => summarise(scored.map((score) => score[key])).mean;
          const score = summarise(scored.map((score) => score.score));
          const place = { group, budget, judge };
          results.push({ ...place, arm, score, flops: mean('flops'), seconds: mean('seconds') });
          for (const other of arms.slice(0, i)) {
            const difference = pairedDifference(bySeed(arm), bySeed(other));
            if (difference) differences.push({ ...place, arms: [other, arm], score: difference });
          }
        }
      }
    }
  return { scores, arms: results, differences, missing: cells.length - scores.length };
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}
