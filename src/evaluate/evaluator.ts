import type { Session } from '../engines/engine.ts';

/** A score: a name, such as `top1` (in [0, 1]) or `heldOutLoss`, and its value. */
export type Score = readonly [name: string, value: number];

/** Options to monitor and stop an evaluation. */
export interface Watch {
  /** Called after each batch with the images done and their total. `what` names other steps that take time. */
  readonly onProgress?: (done: number, total: number, what?: string) => void;
  /** Aborts the evaluation after the current batch, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Evaluates the weights of a session. */
export interface Evaluator {
  /** The name in messages: `kNN`, `held-out loss`. */
  readonly name: string;
  /** Yields each score as soon as it is known. Does not change the weights. Rejects with the signal's reason. */
  run(session: Session, watch?: Watch): AsyncIterable<Score>;
}

/** All scores of an evaluator, by name. */
export async function evaluate(
  evaluator: Evaluator,
  session: Session,
  watch: Watch = {},
): Promise<Record<string, number>> {
  const scores: Record<string, number> = {};
  for await (const [name, value] of evaluator.run(session, watch)) scores[name] = value;
  return scores;
}
