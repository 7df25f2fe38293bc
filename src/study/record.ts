import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { readRows } from '../io/jsonl.ts';
import { engineOf } from '../report/run.ts';
import { runFolder } from '../run/folder.ts';
import { type MetricsRow, seriesOf } from '../visualize/series.ts';
import { byEpoch, lossesKey } from './epochs.ts';
import type { Piece } from './pieces.ts';

/** The results of a finished piece: everything but weights and pictures. */
export interface PieceRecord {
  /** The settings of its run, complete. */
  readonly run: unknown;
  readonly scores: Scores;
  /** Averaged by epoch. */
  readonly epochs: readonly MetricsRow[];
}

export interface Scores {
  /** Of judges: the last evaluation, where a run ended, not where it happened to be best on the images it is judged by. */
  readonly top1?: number;
  /** The same of the judges `segment` and `detect`. */
  readonly mIoU?: number;
  readonly boxAP?: number;
  readonly [score: string]: unknown;
  /** Of training; of other judges, of all of their work. */
  readonly seconds: number;
  /** The engine. */
  readonly engine?: string;
  readonly cpu?: string;
  /** Of models: equal if two trainings had the same losses, bit for bit. */
  readonly losses?: string;
  /** Of judges: the same of the model that was judged, which another machine may have trained. */
  readonly modelLosses?: string;
}

const LAST = [
  ...['top1', 'top5', 'evaluationLoss', 'emaTop1', 'emaTop5', 'learningRate', 'heldOutLoss'],
  ...['mIoU', 'mAcc', 'aAcc', 'boxAP', 'boxAP50', 'maskAP', 'maskAP50', 'proposalRecall'],
];

/** The score of a judge, in [0, 1]. */
export function scoreOf({
  top1,
  mIoU,
  boxAP,
}: {
  readonly top1?: number | undefined;
  readonly mIoU?: number | undefined;
  readonly boxAP?: number | undefined;
}): number | undefined {
  return top1 ?? mIoU ?? boxAP;
}

/**
 * Reads what a finished piece left in its folder. Throws an error that names a file that is broken.
 * @param more scores that are not in the folder
 */
export async function recordOf(piece: Piece, path: string, more: Partial<Scores> = {}): Promise<PieceRecord> {
  const folder = runFolder(path);
  const rows = await readRows<MetricsRow>(folder.metrics).catch(absent([]));
  const run = await readFile(folder.config, 'utf8').then(JSON.parse).catch(absent(undefined));
  if (run) Object.assign(run, placeless(piece, run));
  const engine = typeof run?.engine === 'string' ? run.engine : await engineOf(folder);
  const last = LAST.flatMap((key) =>
    seriesOf(rows, key)
      .slice(-1)
      .map(({ y }) => [key, y] as const),
  );
  const knn = rows.findLast((row) => row.knn)?.knn;
  const seconds = seriesOf(rows, 'seconds').at(-1)?.y ?? 0;
  const epochs = byEpoch(rows);
  const loss = epochs.at(-1)?.loss;
  const scores = {
    ...Object.fromEntries(last),
    ...(typeof loss === 'number' && { loss }),
    ...(knn ? { knn } : {}),
    seconds,
    ...(engine !== undefined && { engine }),
    ...(!('from' in piece) && { losses: lossesKey(epochs) }),
    cpu: cpus()[0]?.model ?? 'unknown',
    ...more,
  };
  if ('from' in piece && scoreOf(scores) === undefined)
    throw new Error(`the metrics of a finished judge must hold top1, mIoU or boxAP, got none in ${piece.id}`);
  return { run, scores, epochs };
}

/** Paths of one machine in the settings of a run, as the study gives them. */
function placeless(piece: Piece, run: { readonly data?: unknown }): object {
  const { data } = piece.settings as { data?: { source?: string; test?: string } | string };
  const given = typeof data === 'object' && typeof run.data === 'object' ? data : {};
  const sources = Object.entries(given).filter(([key]) => key === 'source' || key === 'test');
  return {
    ...('from' in piece && { from: piece.from }),
    ...(sources.length > 0 && { data: { ...(run.data as object), ...Object.fromEntries(sources) } }),
  };
}

/** A value in place of a file that does not exist. */
export function absent<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code !== 'ENOENT') throw error;
    return value;
  };
}
