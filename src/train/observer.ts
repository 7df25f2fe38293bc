import { microBatchOf } from '../config/rules.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import { type Evaluator, evaluate } from '../evaluate/evaluator.ts';
import { heldOutLoss } from '../evaluate/held-out.ts';
import type { KnnProbe } from '../evaluate/knn/probe.ts';
import { reconstructionGrid } from '../evaluate/reconstructions.ts';
import type { Progress } from '../run/checkpoint.ts';
import { type RunData, sample } from '../run/data.ts';
import type { KnnScores, PretrainEvent } from '../run/events.ts';
import { writeCurves, writeReconstructions } from '../run/metrics.ts';
import type { Setup } from '../run/setup-pretrain.ts';
import type { Workplace } from './job.ts';

/** What an observer works with. */
export interface ObserverParts extends Omit<Workplace, 'emit'> {
  readonly setup: Setup;
  readonly data: RunData;
  /** Judges the features every `evaluation.knnEvery` epochs. */
  readonly probe: KnnProbe | undefined;
  /** Whether the run began with random weights. */
  readonly randomStart: boolean;
  readonly emit: (event: PretrainEvent) => void;
}

/** What is measured and drawn beside training. */
export class Observer {
  /** Images that are never trained on, as many as the held-out loss takes. */
  readonly heldOut: Dataset | undefined;
  readonly #parts: ObserverParts;

  constructor(parts: ObserverParts) {
    const { setup, data } = parts;
    const { evaluation, seed } = setup.config;
    this.#parts = parts;
    if (data.heldOut && evaluation.heldOutImages > 0)
      this.heldOut = sample(data.heldOut, evaluation.heldOutImages, seed, 'held-out');
  }

  /** Before the first update: the kNN report of what training must beat. */
  async atStart(): Promise<{ knn: KnnScores } | undefined> {
    const { probe, session, randomStart } = this.#parts;
    if (!probe) return undefined;
    const of = async (evaluator: Evaluator) => (await evaluate(evaluator, session)).knn20!;
    const features = await of(probe.features);
    const random = randomStart ? features : await of(probe.random);
    return { knn: this.#report(0, { features, random, pixels: await of(probe.pixels) }, probe) };
  }

  /** After an epoch, and when the run ends: the columns that the row has beyond those of other rows. */
  async atEpoch(
    { step, epoch }: Progress,
    last: boolean,
  ): Promise<{ heldOutLoss?: number; knn?: KnnScores }> {
    const { setup, session, probe, broken } = this.#parts;
    const { evaluation, training } = setup.config;
    const heldOut = this.heldOut;
    const batchSize = Math.min(microBatchOf(training), heldOut?.length ?? 0);
    const due = last || epoch % evaluation.knnEvery === 0 ? probe : undefined;
    const features = due ? (await evaluate(due.features, session)).knn20! : 0;
    return {
      ...(heldOut && (await evaluate(heldOutLoss(setup, heldOut, { batchSize, broken }), session))),
      ...(due && { knn: this.#report(step, { features }, due) }),
    };
  }

  /** Draws the curves and, where wanted, the reconstructions of a few images. A picture that fails ends no run. */
  async draw(step: number, reconstructions: boolean): Promise<void> {
    const { folder, setup, emit } = this.#parts;
    try {
      emit({ type: 'file', kind: 'curves', path: await writeCurves(folder, setup.config.recipe) });
      if (reconstructions) await this.#drawReconstructions(step);
    } catch (error) {
      emit({ type: 'note', message: `a picture could not be drawn: ${(error as Error).message}` });
    }
  }

  async #drawReconstructions(step: number): Promise<void> {
    const { folder, setup, session, data, broken, emit } = this.#parts;
    const { evaluation, seed, task } = setup.config;
    if (evaluation.reconstructions === 0) return;
    const images = sample(data.heldOut ?? data.train, evaluation.reconstructions, seed, 'reconstructions');
    const title = `${task.name}, step ${step}`;
    const png = await reconstructionGrid(session, setup, images, { title, broken });
    const path = await writeReconstructions(folder, step, png);
    emit({ type: 'file', kind: 'reconstructions', path });
  }

  #report(step: number, measured: Omit<KnnScores, 'train' | 'test'>, { train, test }: KnnProbe): KnnScores {
    const scores = { ...measured, train, test };
    this.#parts.emit({ type: 'knn', step, scores });
    return scores;
  }
}
