import type { Piece } from './pieces.ts';
import { type Places, readRecord } from './places.ts';
import type { StudyPlan } from './plan.ts';

/** The unfinished part of a study. */
export interface Remainder {
  readonly pieces: readonly PieceState[];
  readonly finished: number;
  /** Floating-point operations of training that are left. */
  readonly flops: number;
  /** Estimated from the finished pieces by their operations; undefined if no piece of a remaining kind has finished. */
  readonly seconds: number | undefined;
}

export interface PieceState {
  readonly piece: Piece;
  readonly finished: boolean;
  /** Of a finished piece as measured, of others as estimated; undefined where nothing is known. */
  readonly seconds: number | undefined;
}

/** Progress of a study, and the time for the rest on a machine as fast as that of the finished pieces. */
export async function remainder({ pieces }: StudyPlan, places: Places): Promise<Remainder> {
  const measured = new Map<Piece, number>();
  for (const piece of pieces) {
    const record = await readRecord(piece, places);
    if (record) measured.set(piece, record.scores.seconds);
  }
  const estimate = estimator(measured);
  const states = pieces.map((piece) => ({
    piece,
    finished: measured.has(piece),
    seconds: measured.get(piece) ?? estimate(piece),
  }));
  const left = states.filter(({ finished }) => !finished);
  const known = left.every(({ seconds }) => seconds !== undefined);
  return {
    pieces: states,
    finished: measured.size,
    flops: left.reduce((sum, { piece }) => sum + piece.flops, 0),
    seconds: known ? left.reduce((sum, { seconds }) => sum + seconds!, 0) : undefined,
  };
}

/** Training by its operations, at the median rate of its kind; other pieces as long as the median of their kind. */
function estimator(measured: ReadonlyMap<Piece, number>): (piece: Piece) => number | undefined {
  const rates = new Map<Piece['kind'], number>([['initial', 0]]);
  const work = ({ flops }: Piece) => (flops > 0 ? flops : 1);
  for (const kind of new Set([...measured.keys()].map((piece) => piece.kind))) {
    if (kind === 'initial') continue;
    const own = [...measured].filter(([piece]) => piece.kind === kind);
    const sorted = own.map(([piece, seconds]) => seconds / work(piece)).sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)];
    if (median !== undefined) rates.set(kind, median);
  }
  return (piece) => {
    const rate = rates.get(piece.kind);
    return rate === undefined ? undefined : rate * work(piece);
  };
}
