import { microBatchOf } from '../config/rules.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import { accuracy } from '../evaluate/accuracy.ts';
import { evaluate } from '../evaluate/evaluator.ts';
import { shortRun } from '../evaluate/images-at-once.ts';
import type { HeadStart } from '../run/events.ts';
import type { ClassifierSetup } from '../run/setup-finetune.ts';
import { averaged, Best } from './best.ts';
import { trainedInParts } from './trained-values.ts';
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

/** Evaluates the classifier, and keeps the weights that score best. */
export function finetuneMonitor(parts: Parts): Monitor<HeadStart> {
  const { setup, data, engine, session, broken, emit } = parts;
  const { config, classes } = setup;
  const { training, evaluation } = config;
  const { test, testSource } = data;
  const best = new Best(parts, 'top1');
  return {
    judged: { testSource, testImages: test.length },
    start() {
      const { specs } = setup.programs(microBatchOf(training));
      return { weights: trainedInParts(specs), classes, testImages: test.length };
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
      await best.keep(scores, progress);
      return scores;
    },
  };
}
