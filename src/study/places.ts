import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../io/atomic.ts';
import { listCheckpoints, runFolder } from '../run/folder.ts';
import { readJson, readKept, requireSame, writeKept } from './keep.ts';
import type { Piece } from './pieces.ts';
import { type PieceRecord, recordOf, type Scores } from './record.ts';

/** Where a study leaves what it made. */
export interface Places {
  /** Folder of its runs, with their weights. */
  readonly output: string;
  /** Folder of the kept files of finished pieces, which count as finished wherever it is copied. */
  readonly keep?: string | undefined;
}

/** The folder of a piece of the study in `output`. */
export function pieceFolder(output: string, id: string): string {
  return join(output, 'runs', id);
}

/** True if a piece has finished with these settings. Throws RunError if it has finished with others. */
export async function isFinished(piece: Piece, places: Places): Promise<boolean> {
  const run = await readMarker(piece, places.output); // each is asked: both must have the piece's settings
  return (await keptOf(piece, places)) !== undefined || run !== undefined;
}

/** The results of a finished piece; undefined for an unfinished one. */
export async function readRecord(piece: Piece, places: Places): Promise<PieceRecord | undefined> {
  const kept = await keptOf(piece, places);
  if (kept) return kept;
  const marker = await readMarker(piece, places.output);
  if (!marker) return undefined;
  const record = await recordOf(piece, pieceFolder(places.output, piece.id));
  return marker.scores ? { ...record, scores: marker.scores } : record;
}

/** Marks a piece as done, and keeps it. @param more scores that are not in its folder */
export async function finish(piece: Piece, places: Places, more: Partial<Scores>): Promise<void> {
  const folder = pieceFolder(places.output, piece.id);
  const { scores } = await recordOf(piece, folder, more);
  const marker = { settings: piece.settings, scores };
  await writeFileAtomic(markerOf(folder), `${JSON.stringify(marker, null, 2)}\n`);
  await keep(piece, places);
}

/** Keeps a finished piece that is not kept yet. */
export async function keep(piece: Piece, places: Places): Promise<void> {
  if (places.keep === undefined || (await keptOf(piece, places))) return;
  const record = await readRecord(piece, places);
  if (record) await writeKept(places.keep, piece, record);
}

/** True if the weights of a finished model are still there. */
export async function hasWeights({ id }: Pick<Piece, 'id'>, { output }: Places): Promise<boolean> {
  const folder = pieceFolder(output, id);
  if (!(await readJson(markerOf(folder)))) return false;
  return (await listCheckpoints(runFolder(folder))).length > 0;
}

/** A finished piece is not finished any more: it is run again. */
export async function reopen({ id }: Piece, { output }: Places): Promise<void> {
  await rm(markerOf(pieceFolder(output, id)), { force: true });
}

function keptOf(piece: Piece, { keep }: Places): Promise<PieceRecord | undefined> {
  return keep === undefined ? Promise.resolve(undefined) : readKept(keep, piece);
}

async function readMarker(piece: Piece, output: string): Promise<{ scores?: Scores } | undefined> {
  const folder = pieceFolder(output, piece.id);
  const marker = await readJson<{ settings?: unknown; scores?: Scores }>(markerOf(folder));
  if (marker) requireSame(piece, marker.settings, folder);
  return marker;
}

/** The file that says that a piece is done: it is written last. */
function markerOf(folder: string): string {
  return join(folder, 'finished.json');
}
