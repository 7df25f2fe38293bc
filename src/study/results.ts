import { join } from 'node:path';
import { readRows } from '../io/jsonl.ts';
import { pairedDifference, type Summary, summarise } from '../report/statistics.ts';
import type { MetricsRow } from '../visualize/series.ts';
import { seriesOf } from '../visualize/series.ts';
import { type Budget, budgets, type Cell, type Piece, type StudyPlan } from './pieces.ts';
import { isFinished, pieceFolder } from './runner.ts';

/** A cell with what its runs' files say. */
export interface Score extends Cell {
  /** In [0, 1]. */
  readonly top1: number;
  /** Floating-point operations and seconds of training: of the model and of what judges it. */
  readonly flops: number;
  readonly seconds: number;
}

/** An arm before a judge, over its seeds. */
export interface ArmResult {
  readonly budget: Budget;
  readonly arm: string;
  readonly judge: string;
  readonly top1: Summary;
  /** Means over the seeds. */
  readonly flops: number;
  readonly seconds: number;
}

/** How much better the second arm is than the first, over the seeds that both have. */
export interface Difference {
  readonly budget: Budget;
  readonly judge: string;
  readonly arms: readonly [string, string];
  readonly top1: Summary;
}

export interface StudyResults {
  readonly scores: readonly Score[];
  readonly arms: readonly ArmResult[];
  readonly differences: readonly Difference[];
  /** Cells without a score yet. */
  readonly missing: number;
}

/** Reads the scores of the pieces that are finished. Throws an error that names a file that is broken. */
export async function readScores({ pieces, cells }: StudyPlan, output: string): Promise<Score[]> {
  const byId = new Map(pieces.map((piece) => [piece.id, piece]));
  const scores: Score[] = [];
  for (const cell of cells) {
    const [model, judge] = [byId.get(cell.model)!, byId.get(cell.piece)!];
    if (!(await isFinished(judge, output))) continue;
    const [trained, judged] = await Promise.all([model, judge].map((piece) => rowsOf(piece, output)));
    scores.push({
      ...cell,
      top1: lastTop1(judged!, judge),
      flops: model.flops + judge.flops,
      seconds: secondsOf(trained!) + (judge.kind === 'finetune' ? secondsOf(judged!) : 0),
    });
  }
  return scores;
}

/** Means and spreads over seeds, and differences between arms. */
export function summariseStudy({ cells }: Pick<StudyPlan, 'cells'>, scores: readonly Score[]): StudyResults {
  const arms = unique(cells.map(({ arm }) => arm));
  const judges = unique(cells.map(({ judge }) => judge));
  const results: ArmResult[] = [];
  const differences: Difference[] = [];
  for (const budget of budgets)
    for (const judge of judges) {
      const of = (arm: string) =>
        scores.filter((score) => score.budget === budget && score.judge === judge && score.arm === arm);
      const bySeed = (arm: string) => new Map(of(arm).map(({ seed, top1 }) => [seed, top1]));
      for (const [i, arm] of arms.entries()) {
        const own = of(arm);
        if (own.length === 0) continue;
        const mean = (key: 'flops' | 'seconds') => summarise(own.map((score) => score[key])).mean;
        const top1 = summarise(own.map((score) => score.top1));
        results.push({ budget, arm, judge, top1, flops: mean('flops'), seconds: mean('seconds') });
        for (const other of arms.slice(0, i)) {
          const difference = pairedDifference(bySeed(arm), bySeed(other));
          if (difference) differences.push({ budget, judge, arms: [other, arm], top1: difference });
        }
      }
    }
  return { scores, arms: results, differences, missing: cells.length - scores.length };
}

async function rowsOf(piece: Piece, output: string): Promise<MetricsRow[]> {
  if (piece.kind === 'initial') return [];
  return readRows<MetricsRow>(join(pieceFolder(output, piece.id), 'metrics.jsonl'));
}

/** The last evaluation: where a run ended, not where it happened to be best on the images it is judged by. */
function lastTop1(rows: readonly MetricsRow[], { id }: Piece): number {
  const last = seriesOf(rows, 'top1').at(-1);
  if (!last) throw new Error(`the metrics of a finished judge must hold top1, got none in ${id}`);
  return last.y;
}

function secondsOf(rows: readonly MetricsRow[]): number {
  return seriesOf(rows, 'seconds').at(-1)?.y ?? 0;
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}
