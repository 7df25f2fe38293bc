import { microBatchOf } from '../config/rules.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import { slotName } from '../engines/engine.ts';
import { accuracy } from '../evaluate/accuracy.ts';
import { evaluate } from '../evaluate/evaluator.ts';
import { shortRun } from '../evaluate/images-at-once.ts';
import type { Values } from '../graph/index.ts';
import type { FinetuneEvent, StepRow } from '../run/events.ts';
import { bestCheckpoint, metricsOf } from '../run/run-files.ts';
import type { ClassifierSetup } from '../run/setup-finetune.ts';
import { trainedValues } from './trained-values.ts';
import type { Monitor, MonitorParts } from './training.ts';

/** Most images of one run of the engine in an evaluation. */
const EVALUATED = 128;

/** The images of fine-tuning. */
export interface FinetuneData {
  readonly train: Dataset;
  /** Images of an evaluation. */
  readonly test: Dataset;
  readonly classes: readonly string[];
  readonly testSource?: string | undefined;
}

type Parts = MonitorParts<ClassifierSetup, FinetuneData>;

/** Further fields of the start event of fine-tuning. */
export type FinetuneStart = Pick<
  Extract<FinetuneEvent, { type: 'start' }>,
  'weights' | 'classes' | 'testImages'
>;

/** Evaluates the classifier, and keeps the weights that score best. */
export function finetuneMonitor(parts: Parts): Monitor<FinetuneStart> {
  const { setup, data, engine, session, store, broken, emit, save } = parts;
  const { config, classes } = setup;
  const { training, evaluation } = config;
  const { test, testSource } = data;
  const best = new Best(parts);
  return {
    judged: { testSource, testImages: test.length },
    start() {
      const { specs } = setup.programs(microBatchOf(training));
      return {
        weights: {
          encoder: trainedValues(specs, 'encoder'),
          head: trainedValues(specs, 'head'),
        },
        classes,
        testImages: test.length,
      };
    },
    atStart: async () => undefined,
    async atEpoch(progress, last, signal) {
      if (!last && progress.epoch % evaluation.every !== 0) return {};
      const batchSize = Math.min(shortRun(config.model, engine, EVALUATED), test.length);
      const { predict, predictAverage } = setup.programs(batchSize);
      const views = () => setup.testViews(test, { batchSize, broken });
      const onProgress = (done: number, total: number) => emit({ type: 'evaluating', done, total });
      const watch = { onProgress, signal };
      const scores = {
        ...(await evaluate(accuracy(predict, views, test.length), session, watch)),
        ...(training.ema > 0 &&
          (await evaluate(accuracy(predictAverage, views, test.length, averaged), session, watch))),
      };
      const weights = await best.weightsOf(scores);
      if (weights) {
        await save(bestCheckpoint, progress, weights, []);
        emit({ type: 'file', kind: 'best', path: store.place(bestCheckpoint) });
      }
      return scores;
    },
  };
}

/** `top1` of the averaged weights is `emaTop1`. */
const averaged = (score: string) => `ema${score[0]!.toUpperCase()}${score.slice(1)}`;

/** The highest top-1 in the rows, of the weights or of their moving average; undefined if there is none. */
export function bestTop1(rows: readonly StepRow[]): number | undefined {
  const scores = rows.flatMap(({ top1, emaTop1 }) => [top1, emaTop1]);
  const known = scores.filter((score): score is number => typeof score === 'number');
  return known.length > 0 ? known.reduce((a, b) => Math.max(a, b)) : undefined;
}

/** Knows the best top-1 so far, of the weights or of their moving average. */
class Best {
  readonly #parts: Parts;
  #top1: number | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The weights that scored, when they are the best so far; undefined otherwise. */
  async weightsOf(scores: Readonly<Record<string, number>>): Promise<Values | undefined> {
    const { session, store } = this.#parts;
    this.#top1 ??= bestTop1(await metricsOf(store)) ?? -1;
    const { top1 = -1, emaTop1 = -1 } = scores;
    const score = Math.max(top1, emaTop1);
    if (!(score > this.#top1)) return undefined;
    this.#top1 = score;
    const state = await session.read();
    const name = (weight: string) => (emaTop1 > top1 ? slotName('ema', weight) : weight);
    const weights = Object.keys(state).filter((key) => !key.includes(':'));
    return Object.fromEntries(weights.map((weight) => [weight, state[name(weight)] ?? state[weight]!]));
  }
}
