import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { writeFileAtomic } from '../io/atomic.ts';
import { readRows } from '../io/jsonl.ts';
import { makeFolder } from '../io/make-folder.ts';
import { RunError } from '../run/error.ts';
import type { MetricsRow } from '../visualize/series.ts';
import { byEpoch } from './epochs.ts';
import type { Piece } from './pieces.ts';
import { absent, type PieceRecord, type Scores, scoreOf } from './record.ts';

/*
 * The kept format, version 1. DIR/PIECE/config.json: `format`, `piece` (id, kind, from, flops, updates, and its settings as the study
 * gave them), `run` (the settings of its run, complete); metrics.jsonl: a row for one or more epochs; scores.json, written last: `format`,
 * and Scores. Later versions read this one: what they add, they must do without.
 */
export const FORMAT = 1;

/** Most bytes of a piece. */
const MOST = 20_000;

const modelScores = z.looseObject({ seconds: z.number() });
const judgeScores = modelScores
  .extend({ top1: z.number().optional(), mIoU: z.number().optional(), boxAP: z.number().optional() })
  .refine((scores) => scoreOf(scores) !== undefined, { path: ['top1'], error: 'no score' });
const aboutPiece = z.object({
  piece: z.looseObject({ settings: z.looseObject({}) }),
  run: z.unknown().optional(),
});

/**
 * A file of the kept format; undefined where there is none. Throws RunError for one of a later version, and for one that is no JSON or
 * not what the schema says.
 */
export async function readKeptFile<T extends z.ZodType<object>>(
  path: string,
  schema: T,
): Promise<(z.output<T> & { format: number }) | undefined> {
  const given = await readJson<{ format?: unknown } | null>(path);
  if (given === undefined) return undefined;
  const format = given?.format;
  if (typeof format !== 'number' || !Number.isSafeInteger(format) || format < 1 || format > FORMAT)
    throw new RunError(
      `kept files must have a format of 1 to ${FORMAT}, got ${JSON.stringify(format) ?? 'none'} in ${path}${Number(format) > FORMAT ? ': a later version of this program wrote it' : ''}`,
    );
  const { data, error } = schema.safeParse(given);
  if (error) {
    const [issue] = error.issues;
    throw new RunError(`${path} must be as it was kept, got ${issue!.path.join('.')}: ${issue!.message}`);
  }
  return { ...data, format } as z.output<T> & { format: number };
}

/** The kept files of a piece; undefined if there are none. Throws RunError if they were kept with other settings, or by a later version. */
export async function readKept(keep: string, piece: Piece): Promise<PieceRecord | undefined> {
  const folder = join(keep, piece.id);
  const scores = await readKeptFile(join(folder, 'scores.json'), 'from' in piece ? judgeScores : modelScores);
  if (!scores) return undefined;
  const config = join(folder, 'config.json');
  const about = await readKeptFile(config, aboutPiece);
  if (!about) throw new RunError(`a kept piece needs its config.json, got ${folder} without`);
  requireSame(piece, about.piece.settings, folder);
  const { format: _, ...rest } = scores;
  const epochs = await readRows<MetricsRow>(join(folder, 'metrics.jsonl')).catch(absent([]));
  return { run: about.run, scores: rest as Scores, epochs };
}

/** Keeps a piece: 20 kB at most, for which long runs are averaged over several epochs. */
export async function writeKept(keep: string, piece: Piece, record: PieceRecord): Promise<void> {
  const folder = join(keep, piece.id);
  const { run } = record;
  const config = json({ format: FORMAT, piece, run });
  const scores = json({ format: FORMAT, ...record.scores });
  let rows = record.epochs;
  let metrics = lines(rows);
  for (let together = 2; rows.length > 1 && size(config, scores, metrics) > MOST; together *= 2) {
    rows = byEpoch(record.epochs, together);
    metrics = lines(rows);
  }
  await makeFolder(folder);
  await writeFileAtomic(join(folder, 'config.json'), config);
  await writeFileAtomic(join(folder, 'metrics.jsonl'), metrics);
  await writeFileAtomic(join(folder, 'scores.json'), scores); // last: it says that the piece is finished
}

/** Throws RunError when a finished piece had other settings. */
export function requireSame({ settings }: Piece, before: unknown, folder: string): void {
  if (isDeepStrictEqual(before, JSON.parse(JSON.stringify(settings)))) return;
  throw new RunError(
    `a study must keep its settings, got others for ${folder}, which is finished: ` +
      'choose another folder, or delete that one to run it again',
  );
}

/** Undefined for a file that does not exist. Throws RunError for one that is no JSON. */
export async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await readFile(path, 'utf8').catch(absent(undefined));
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new RunError(`${path} must be JSON, got: ${(error as Error).message}`);
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function lines(rows: readonly MetricsRow[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

function size(...texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
