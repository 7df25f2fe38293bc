import { slotName } from '../engines/engine.ts';
import type { Values } from '../graph/index.ts';
import type { Progress } from '../run/checkpoint-codec.ts';
import type { StepRow } from '../run/events.ts';
import { bestCheckpoint, metricsOf } from '../run/run-files.ts';
import type { MonitorContext } from './training.ts';

/** The name of a score of the averaged weights: `top1` becomes `emaTop1`. */
export const averaged = (score: string) => `ema${score[0]!.toUpperCase()}${score.slice(1)}`;

/** Scores, with those of the averaged weights under separate names. */
export const withAverages = (own: object, averages: object = {}): Record<string, unknown> => ({
  ...own,
  ...Object.fromEntries(Object.entries(averages).map(([name, value]) => [averaged(name), value])),
});

/** The highest value of a score in the rows, of the weights or of their moving average; undefined if there is none. */
export function bestScore(rows: readonly StepRow[], score: string): number | undefined {
  const scores = rows.flatMap((row) => [row[score], row[averaged(score)]]);
  const known = scores.filter((value): value is number => typeof value === 'number');
  return known.length > 0 ? known.reduce((a, b) => Math.max(a, b)) : undefined;
}

type Place = Pick<MonitorContext, 'session' | 'store' | 'save' | 'emit'>;

/** Keeps the weights with the best value of a score so far, of themselves or of their moving average. */
export class Best {
  readonly #at: Place;
  readonly #score: string;
  #best: number | undefined;

  constructor(at: Place, score: string) {
    this.#at = at;
    this.#score = score;
  }

  /** Saves the weights that scored, if they are the best so far. */
  async keep(scores: Readonly<Record<string, unknown>>, progress: Progress): Promise<void> {
    const { store, save, emit } = this.#at;
    const weights = await this.#weightsOf(scores);
    if (!weights) return;
    await save(bestCheckpoint, progress, weights, []);
    emit({ type: 'file', kind: 'best', path: store.place(bestCheckpoint) });
  }

  /** The weights that scored, when they are the best so far; undefined otherwise. */
  async #weightsOf(scores: Readonly<Record<string, unknown>>): Promise<Values | undefined> {
    const { session, store } = this.#at;
    this.#best ??= bestScore(await metricsOf(store), this.#score) ?? -1;
    const [own, average] = [this.#score, averaged(this.#score)].map((name) => Number(scores[name] ?? -1));
    const score = Math.max(own!, average!);
    if (!(score > this.#best)) return undefined;
    this.#best = score;
    const state = await session.read();
    const name = (weight: string) => (average! > own! ? slotName('ema', weight) : weight);
    const weights = Object.keys(state).filter((key) => !key.includes(':'));
    return Object.fromEntries(weights.map((weight) => [weight, state[name(weight)] ?? state[weight]!]));
  }
}
