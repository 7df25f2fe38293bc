import type { RecordedKind } from '../run/kind.ts';
import { recordedKinds } from '../run/kinds/table.ts';
import { isCount } from './images.ts';
import type { ReportedRun } from './run.ts';

/** A score of a run. */
export interface Score {
  readonly run: ReportedRun;
  /** Name of the judge: `kNN`, `brief linear`, or the name of the run's kind. */
  readonly column: string;
  /** The same, in full: `kNN, k 20, of raw pixels`. */
  readonly judge: string;
  /** True if the value is the share of images that are classified correctly: then it has an interval by their number. */
  readonly isShare: boolean;
  /** In [0, 1]. */
  readonly value: number;
  /** Images that were judged, and images that were learned from or voted; undefined where it is not known. */
  readonly images: number | undefined;
  readonly learned: number | undefined;
}

const KNN = 'kNN';
/** A run's own linear probe, beside kNN; `linear` is the full one of `linprobe`. */
export const BRIEF = 'brief linear';

/** The last scores of a run: where it ended, not where it happened to be best on the images it is judged by. */
export function scoresOf(run: ReportedRun): Score[] {
  const { role, column: columnOf } = run.kind;
  if (!columnOf) {
    const isJudge = role === 'judge'; // else its first row is that of the model before training
    const row = run.rows.findLast(
      ({ step, knn }) => (step > 0 || isJudge) && numberIn(knn, 'features') !== undefined,
    );
    return probeScores(run, row?.knn, 'features', '');
  }
  const { score = 'top1' } = run.kind;
  const value = run.rows.findLast((row) => Number.isFinite(row[score]))?.[score];
  if (typeof value !== 'number') return [];
  const column = columnOf(run.settings);
  const { testImages, images } = run.sitting;
  const isShare = score === 'top1';
  return [{ run, column, judge: column, isShare, value, images: known(testImages), learned: known(images) }];
}

/** The first scores of the baselines that a model must beat. */
export function baselineOf(run: ReportedRun, key: 'pixels' | 'random'): Score[] {
  return probeScores(run, run.rows[0]?.knn, key, key === 'pixels' ? ', raw pixels' : ', random weights');
}

/** Scores of kNN and, where it was trained, of the brief linear probe on the same images. */
function probeScores(
  run: ReportedRun,
  knn: unknown,
  key: 'features' | 'pixels' | 'random',
  of: string,
): Score[] {
  const [images, learned] = [known(numberIn(knn, 'test')), known(numberIn(knn, 'train'))];
  const judges = [
    [KNN, `kNN${of}, k ${numberIn(knn, 'k') ?? 20}`, knn],
    [BRIEF, `${BRIEF}${of}`, (knn as { linear?: unknown } | null | undefined)?.linear],
  ] as const;
  return judges.flatMap(([column, judge, scores]) => {
    const value = numberIn(scores, key);
    return value === undefined ? [] : [{ run, column, judge, isShare: true, value, images, learned }];
  });
}

/** A kNN report counts in place of the smaller one that a run makes beside training. */
export function preferred(scores: readonly Score[]): Score[] {
  const isReport = ({ run }: Score) => run.kind.role === 'judge';
  const hasReport = scores.some((score) => score.column === KNN && isReport(score));
  return scores.filter((score) => !hasReport || score.column !== KNN || isReport(score));
}

/** Runs on the same images share their baseline. */
export function distinct(scores: readonly Score[]): Score[] {
  return [...new Map(scores.map((score) => [`${score.column} ${score.value}`, score])).values()];
}

function numberIn(knn: unknown, key: string): number | undefined {
  const value = (knn as Record<string, unknown> | null | undefined)?.[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

const known = (value: unknown) => (isCount(value) ? value : undefined);

/** The columns of scores: kNN and the brief probe, then those of the kinds in their order. */
export function columnsOf(scores: readonly Score[]): string[] {
  const places = new Map(scores.map(({ column, run }) => [column, place(column, run.kind)]));
  return [...places]
    .sort(([, [kind, number]], [, [otherKind, otherNumber]]) => kind - otherKind || number - otherNumber)
    .map(([column]) => column);
}

function place(column: string, kind: RecordedKind): readonly [kind: number, within: number] {
  const probe = [KNN, BRIEF].indexOf(column);
  if (probe >= 0) return [-1, probe];
  return [recordedKinds.indexOf(kind), Number(/\d+(\.\d+)?/.exec(column)?.[0] ?? 0)];
}
