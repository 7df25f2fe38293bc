import { makeFolder } from '../io/make-folder.ts';
import { plainMessage } from '../io/system-error.ts';
import { RunError } from '../run/error.ts';
import type { FetchEvent } from '../run/events.ts';
import type { Piece } from './pieces.ts';
import {
  finish,
  hasWeights,
  isFinished,
  keep,
  type Places,
  pieceFolder,
  readRecord,
  reopen,
} from './places.ts';
import { recordOf } from './record.ts';

/** Runs or resumes a piece in its folder, which exists. @param from folder of the model that it judges */
export type RunPiece = (
  piece: Piece,
  folder: string,
  from: string | undefined,
) => Promise<'finished' | 'interrupted'>;

/** Events of a running study. */
export type StudyEvent =
  | FetchEvent
  /** A piece begins or resumes. */
  | { readonly type: 'piece'; readonly piece: Piece; readonly number: number; readonly total: number }
  /** How far the piece has come, in [0, 1], and in words. */
  | { readonly type: 'progress'; readonly done: number; readonly text: string }
  | { readonly type: 'note'; readonly message: string }
  | { readonly type: 'finished'; readonly piece: Piece; readonly seconds: number };

export interface RunnerOptions {
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: StudyEvent) => void;
}

/**
 * Runs the pieces in turn. Finished pieces are not run again; an interrupted one resumes. A model whose
 * weights are gone is trained again when a judge needs it; where its losses are others than before, a note says so.
 * Throws RunError when a finished piece had other settings, or an error of `runPiece` with the name of the piece.
 */
export async function runPieces(
  pieces: readonly Piece[],
  places: Places,
  runPiece: RunPiece,
  { signal, onEvent = () => {} }: RunnerOptions = {},
): Promise<'finished' | 'interrupted'> {
  const byId = new Map(pieces.map((piece) => [piece.id, piece]));
  const missing: Piece[] = [];
  for (const piece of pieces) if (!(await isFinished(piece, places))) missing.push(piece);
  for (const piece of pieces) if (!missing.includes(piece)) await keep(piece, places);

  const run = async (piece: Piece): Promise<'finished' | 'interrupted'> => {
    if (signal?.aborted) return 'interrupted';
    onEvent({ type: 'piece', piece, number: pieces.indexOf(piece) + 1, total: pieces.length });
    const folder = pieceFolder(places.output, piece.id);
    const from = 'from' in piece ? pieceFolder(places.output, piece.from) : undefined;
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    await makeFolder(folder);
    try {
      if ((await runPiece(piece, folder, from)) === 'interrupted') return 'interrupted';
    } catch (error) {
      throw new RunError(`${piece.id}: ${plainMessage(error)}`, { cause: error });
    }
    const model = 'from' in piece ? await recordOf(byId.get(piece.from)!, from!) : undefined;
    await finish(piece, places, {
      ...(model && { modelLosses: model.scores.losses! }),
      ...('from' in piece && piece.flops === 0 && { seconds: round(seconds()) }),
    });
    onEvent({ type: 'finished', piece, seconds: seconds() });
    return 'finished';
  };

  for (const piece of missing) {
    const model = 'from' in piece ? byId.get(piece.from)! : undefined;
    if (model && !(await hasWeights(model, places))) {
      const before = await readRecord(model, places);
      await reopen(model, places);
      if ((await run(model)) === 'interrupted') return 'interrupted';
      const after = await recordOf(model, pieceFolder(places.output, model.id));
      if (before && before.scores.losses !== after.scores.losses)
        onEvent({ type: 'note', message: `${model.id}: trained again, with losses that differ from before` });
    }
    if ((await run(piece)) === 'interrupted') return 'interrupted';
  }
  return 'finished';
}

function round(seconds: number): number {
  return Number(seconds.toFixed(3));
}
