import type { Session } from '../engines/engine.ts';

/** What was measured: a name such as `top1` (fractions in [0, 1]) or `heldOutLoss`, and its value. */
export type Score = readonly [name: string, value: number];

/** How a measurement is watched and stopped. */
export interface Watch {
  /** Called after each batch with the images so far, and all of them; what else takes time names itself. */
  readonly onProgress?: (done: number, total: number, what?: string) => void;
  /** Ends the measurement with its reason, after the current batch. */
  readonly signal?: AbortSignal | undefined;
}

/** Judges the weights that a session holds. */
export interface Evaluator {
  /** What it is called in messages: `kNN`, `held-out loss`. */
  readonly name: string;
  /** Yields each number as soon as it is known. The weights stay as they are. Rejects with the signal's reason. */
  run(session: Session, watch?: Watch): AsyncIterable<Score>;
}

/** All that an evaluator yields, by name. */
export async function evaluate(
  evaluator: Evaluator,
  session: Session,
  watch: Watch = {},
): Promise<Record<string, number>> {
  const scores: Record<string, number> = {};
  for await (const [name, value] of evaluator.run(session, watch)) scores[name] = value;
  return scores;
}
