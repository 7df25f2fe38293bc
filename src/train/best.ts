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

/** A score of a row: higher is better. Undefined where it was not measured. */
export type Measure = (row: Readonly<Record<string, unknown>>) => number | undefined;

/** The measure of a column. */
export const columnOf =
  (name: string): Measure =>
  (row) =>
    typeof row[name] === 'number' ? row[name] : undefined;

type Place = Pick<MonitorContext, 'session' | 'store' | 'save' | 'emit'>;

/** Keeps the weights with the highest value of a measure so far, of themselves or of their moving average. */
export class Best {
  readonly #at: Place;
  readonly #own: Measure;
  readonly #average: Measure;
  #best: number | undefined;

  /** @param score a column of the rows, or a measure of them; of a column, that of averaged weights counts too */
  constructor(at: Place, score: string | Measure) {
    this.#at = at;
    const isColumn = typeof score === 'string';
    this.#own = isColumn ? columnOf(score) : score;
    this.#average = isColumn ? columnOf(averaged(score)) : () => undefined;
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
    const scored = (row: Readonly<Record<string, unknown>>) =>
      [this.#own(row) ?? -Infinity, this.#average(row) ?? -Infinity] as const;
    const earlier = async () => (await metricsOf(store)).filter(({ step }) => step > 0).flatMap(scored);
    this.#best ??= (await earlier()).reduce((a, b) => Math.max(a, b), -Infinity);
    const [own, average] = scored(scores);
    const score = Math.max(own, average);
    if (!(score > this.#best)) return undefined;
    this.#best = score;
    const state = await session.read();
    const name = (weight: string) => (average > own ? slotName('ema', weight) : weight);
    const weights = Object.keys(state).filter((key) => !key.includes(':'));
    return Object.fromEntries(weights.map((weight) => [weight, state[name(weight)] ?? state[weight]!]));
  }
}
