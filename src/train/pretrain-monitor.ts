import type { Dataset } from '../data/sources/dataset.ts';
import { type Evaluator, evaluate } from '../evaluate/evaluator.ts';
import { heldOutScores } from '../evaluate/held-out.ts';
import { usualScore } from '../evaluate/knn/knn.ts';
import { knnProbe } from '../evaluate/knn/knn-probe.ts';
import type { KnnProbe } from '../evaluate/knn/probe.ts';
import { collapseWarning } from '../evaluate/panel/collapse.ts';
import { labelFreePanel, type Panel } from '../evaluate/panel/panel.ts';
import { reconstructionGrid } from '../evaluate/reconstructions.ts';
import { plainMessage } from '../io/system-error.ts';
import type { Progress } from '../run/checkpoint.ts';
import { type RunData, sample } from '../run/data.ts';
import type { KnnScores, PanelScores, PretrainEvent, ProbeScores, StepRow } from '../run/events.ts';
import { metricsOf, writeReconstructions } from '../run/run-files.ts';
import type { Setup } from '../run/setup-pretrain.ts';
import { Best } from './best.ts';
import { bestMeasure } from './pretrain-best.ts';
import { trainedValues } from './trained-values.ts';
import type { Monitor, MonitorParts } from './training.ts';

/** At every tenth panel, LiDAR is measured too. */
const WITH_VIEWS = 10;

/** Context of the monitor of pre-training. */
export interface PretrainParts extends Omit<MonitorParts<Setup, RunData>, 'emit'> {
  /** Folder in which scores of random weights and of raw pixels are kept, false for none. */
  readonly scoreCache?: string | false | undefined;
  readonly emit: (event: PretrainEvent) => void;
}

/** Further fields of the start event of pre-training. */
export type PretrainStart = Pick<
  Extract<PretrainEvent, { type: 'start' }>,
  'weights' | 'heldOutImages' | 'labelled' | 'knn'
>;

/** Scores of a probe's evaluators: of features, and at the start of random weights and of raw pixels. */
type Measured = Readonly<
  Record<'features', Record<string, number>> & Partial<Record<'random' | 'pixels', Record<string, number>>>
>;

/** Measures the held-out loss and the features of pre-training, and draws reconstructions. */
export class PretrainMonitor implements Monitor<PretrainStart> {
  /** Images that are never trained on, as many as the held-out loss takes. */
  readonly #heldOut: Dataset | undefined;
  /** Judges the features every `evaluation.knnEvery` epochs; undefined where that is not wanted, or the images have no classes. */
  readonly #probe: KnnProbe | undefined;
  /** Measures the features without labels every `evaluation.panelEvery` epochs; undefined where that is not wanted. */
  readonly #panel: Panel | undefined;
  /** Keeps the weights that are best by `evaluation.best`. */
  readonly #best: Best | undefined;
  readonly #parts: PretrainParts;
  /** True if the held-out loss of the epoch that just ended was due, and so is its picture. */
  #isEvaluated = false;
  #warned = false;

  constructor(parts: PretrainParts) {
    const { setup, data, engine, broken, randomStart, scoreCache, note } = parts;
    const { evaluation, seed } = setup.config;
    this.#parts = parts;
    if (data.heldOut && evaluation.heldOutImages > 0)
      this.#heldOut = sample(data.heldOut, evaluation.heldOutImages, seed, 'held-out');
    if (evaluation.panelEvery > 0) this.#panel = labelFreePanel(engine, setup, data, { broken });
    const measure = bestMeasure(evaluation.best);
    this.#best = measure && new Best(parts, measure);
    if (evaluation.knnEvery === 0) return;
    this.#probe = knnProbe(engine, setup, data, { broken, randomStart, scoreCache });
    if (this.#probe?.warning !== undefined) note(this.#probe.warning);
    if (!this.#probe)
      note('no report of kNN and linear probe: it needs images with classes, some of them held out');
  }

  get judged() {
    const { test = 0, leaveOneOut = false } = this.#probe ?? {};
    return { testImages: test, folds: leaveOneOut ? test : undefined };
  }

  async start(): Promise<PretrainStart> {
    const { setup, data, store, microBatch } = this.#parts;
    const { specs } = setup.programs(microBatch);
    const before = (await metricsOf(store))[0]?.knn;
    return {
      weights: { encoder: trainedValues(specs, 'encoder'), decoder: trainedValues(specs, 'decoder') },
      heldOutImages: this.#heldOut?.length ?? 0,
      labelled: (data.train.classes?.length ?? 0) > 1,
      ...(before && { knn: before }),
    };
  }

  /** Before the first update: the kNN report of the baselines. */
  async atStart(signal?: AbortSignal): Promise<{ knn: KnnScores } | undefined> {
    const { randomStart } = this.#parts;
    const probe = this.#probe;
    if (!probe) return undefined;
    const random = await this.#measure(probe.random, signal);
    const features = randomStart ? random : await this.#measure(probe.features, signal);
    const pixels = await this.#measure(probe.pixels, signal);
    return { knn: this.#report(0, { features, random, pixels }, probe) };
  }

  /** After an epoch, and when the run ends: the columns that the row has beyond those of other rows. */
  async atEpoch(
    progress: Progress,
    last: boolean,
    signal?: AbortSignal,
  ): Promise<Pick<StepRow, 'heldOutLoss' | 'psnr' | 'psnrOfMeans' | 'panel' | 'knn'>> {
    const { setup, broken, microBatch, note } = this.#parts;
    const { step, epoch } = progress;
    const probe = this.#probe;
    const { evaluation } = setup.config;
    const heldOut = this.#heldOut;
    const batchSize = Math.min(microBatch, heldOut?.length ?? 0);
    const due = last || epoch % evaluation.knnEvery === 0 ? probe : undefined;
    this.#isEvaluated = last || epoch % evaluation.every === 0;
    const scores =
      this.#isEvaluated &&
      heldOut &&
      (await this.#measure(heldOutScores(setup, heldOut, { batchSize, broken }), signal));
    const panel = await this.#measurePanel(epoch, last, signal);
    const features = due && (await this.#measure(due.features, signal));
    const columns = {
      ...scores,
      ...(panel && { panel }),
      ...(features && { knn: this.#report(step, { features }, due!) }),
    };
    await this.#best?.keep(columns, progress);
    if (last && this.#best && bestMeasure(evaluation.best)?.(columns) === undefined)
      note(
        `evaluation.best=${evaluation.best}: this run does not measure it, so that no best checkpoint is kept`,
      );
    return columns;
  }

  /** A panel that cannot be measured, as of features that are not finite, ends no run. */
  async #measurePanel(epoch: number, last: boolean, signal?: AbortSignal): Promise<PanelScores | undefined> {
    const { setup, session, emit, note } = this.#parts;
    const { panelEvery } = setup.config.evaluation;
    if (!this.#panel || !(last || epoch % panelEvery === 0)) return undefined;
    const onProgress = (done: number, total: number) =>
      emit({ type: 'evaluating', what: 'label-free measures', done, total });
    const views = last || (epoch / panelEvery) % WITH_VIEWS === 0;
    try {
      const scores = await this.#panel.measure(session, { signal, onProgress, views });
      const warning = this.#warned ? undefined : collapseWarning(scores);
      if (warning !== undefined) note(warning);
      this.#warned ||= warning !== undefined;
      return scores;
    } catch (error) {
      if (signal?.aborted) throw error;
      note(`no label-free measures after epoch ${epoch}: ${plainMessage(error)}`);
      return undefined;
    }
  }

  /** Draws the reconstructions of a few images, where wanted and due. */
  async draw(step: number): Promise<void> {
    const { store, setup, session, data, broken, emit } = this.#parts;
    const { evaluation, seed, task } = setup.config;
    if (evaluation.reconstructions === 0 || !this.#isEvaluated) return;
    const images = sample(data.heldOut ?? data.train, evaluation.reconstructions, seed, 'reconstructions');
    const title = `${task.name}, step ${step}`;
    const png = await reconstructionGrid(session, setup, images, { title, broken });
    const path = await writeReconstructions(store, step, png);
    emit({ type: 'file', kind: 'reconstructions', path });
  }

  #measure(evaluator: Evaluator, signal: AbortSignal | undefined): Promise<Record<string, number>> {
    const { session, emit } = this.#parts;
    const onProgress = (done: number, total: number, what = evaluator.name) =>
      emit({ type: 'evaluating', what, done, total });
    return evaluate(evaluator, session, { onProgress, signal });
  }

  #report(step: number, measured: Measured, { train, test, leaveOneOut }: KnnProbe): KnnScores {
    const { k } = usualScore(measured.features);
    const linear = scoresNamed('linear', measured);
    const scores: KnnScores = {
      ...{ k, ...scoresNamed(`knn${k}`, measured)! },
      ...(linear && { linear }),
      ...{ train, test, ...(leaveOneOut && { leaveOneOut }) },
    };
    this.#parts.emit({ type: 'knn', step, scores });
    return scores;
  }
}

/** The scores of one name; undefined where it was not measured. */
function scoresNamed(name: string, { features, random, pixels }: Measured): ProbeScores | undefined {
  if (features[name] === undefined) return undefined;
  return {
    features: features[name],
    ...(random && { random: random[name]! }),
    ...(pixels && { pixels: pixels[name]! }),
  };
}
