import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../io/atomic.ts';
import { makeFolder } from '../io/make-folder.ts';
import { plainMessage } from '../io/system-error.ts';
import { RunError } from '../run/error.ts';
import type { FetchEvent } from '../run/events.ts';
import type { Piece } from './pieces.ts';

/** Runs a piece, or goes on with it, in its folder, which exists. @param from folder of the model that it judges */
export type RunPiece = (
  piece: Piece,
  folder: string,
  from: string | undefined,
) => Promise<'finished' | 'interrupted'>;

/** What a study tells while it goes. */
export type StudyEvent =
  | FetchEvent
  /** A piece begins or goes on. */
  | { readonly type: 'piece'; readonly piece: Piece; readonly number: number; readonly total: number }
  /** How far the piece has come, in [0, 1], and in words. */
  | { readonly type: 'progress'; readonly done: number; readonly text: string }
  | { readonly type: 'note'; readonly message: string }
  | { readonly type: 'finished'; readonly piece: Piece; readonly seconds: number };

/** The folder of a piece of the study in `output`. */
export function pieceFolder(output: string, id: string): string {
  return join(output, 'runs', id);
}

/**
 * Runs the pieces in turn. What is finished is not run again; what was interrupted goes on where it was.
 * Throws RunError when a finished piece had other settings, or an error of `runPiece` with the name of the piece.
 */
export async function runPieces(
  pieces: readonly Piece[],
  output: string,
  runPiece: RunPiece,
  { signal, onEvent = () => {} }: { signal?: AbortSignal; onEvent?: (event: StudyEvent) => void } = {},
): Promise<'finished' | 'interrupted'> {
  const lacking: [number: number, piece: Piece][] = [];
  for (const [i, piece] of pieces.entries())
    if (!(await isFinished(piece, output))) lacking.push([i + 1, piece]);
  for (const [number, piece] of lacking) {
    if (signal?.aborted) return 'interrupted';
    onEvent({ type: 'piece', piece, number, total: pieces.length });
    const folder = pieceFolder(output, piece.id);
    const from = 'from' in piece ? pieceFolder(output, piece.from) : undefined;
    const started = performance.now();
    await makeFolder(folder);
    try {
      if ((await runPiece(piece, folder, from)) === 'interrupted') return 'interrupted';
    } catch (error) {
      throw new RunError(`${piece.id}: ${plainMessage(error)}`, { cause: error });
    }
    await writeFileAtomic(markerOf(folder), `${JSON.stringify({ settings: piece.settings }, null, 2)}\n`);
    onEvent({ type: 'finished', piece, seconds: (performance.now() - started) / 1000 });
  }
  return 'finished';
}

/** Whether a piece is done, with these settings. Throws RunError when it was done with others. */
export async function isFinished({ id, settings }: Piece, output: string): Promise<boolean> {
  const folder = pieceFolder(output, id);
  let marker: string;
  try {
    marker = await readFile(markerOf(folder), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  const before: unknown = (JSON.parse(marker) as { settings?: unknown }).settings;
  if (JSON.stringify(before) !== JSON.stringify(settings))
    throw new RunError(
      `a study must go on with its own settings, got others for ${folder}, which is finished: ` +
        'choose another folder with --output, or delete that one to run it again',
    );
  return true;
}

/** The file that says that a piece is done: it is written last. */
function markerOf(folder: string): string {
  return join(folder, 'finished.json');
}
