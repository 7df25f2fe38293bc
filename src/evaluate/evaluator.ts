import type { Session } from '../engines/engine.ts';

/** What was measured: a name such as `top1` (fractions in [0, 1]) or `heldOutLoss`, and its value. */
export type Score = readonly [name: string, value: number];

/** Judges the weights that a session holds. */
export interface Evaluator {
  /** What it is called in messages: `kNN`, `held-out loss`. */
  readonly name: string;
  /** Yields each number as soon as it is known. The weights stay as they are. */
  run(session: Session): AsyncIterable<Score>;
}

/** All that an evaluator yields, by name. */
export async function evaluate(evaluator: Evaluator, session: Session): Promise<Record<string, number>> {
  const scores: Record<string, number> = {};
  for await (const [name, value] of evaluator.run(session)) scores[name] = value;
  return scores;
}
