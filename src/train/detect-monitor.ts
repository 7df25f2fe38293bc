import { microBatchOf } from '../config/rules.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import type { CocoScores } from '../detect/coco-evaluation.ts';
import type { BoxedSets } from '../evaluate/detection/boxed-images.ts';
import {
  type Detecting,
  type DetectionScores,
  evaluateDetection,
} from '../evaluate/detection/evaluate-detection.ts';
import { detectionGrid } from '../evaluate/detection/pictures.ts';
import { shortRun } from '../evaluate/images-at-once.ts';
import { sample } from '../run/data.ts';
import type { HeadStart } from '../run/events.ts';
import { writePredictions } from '../run/run-files.ts';
import type { DetectorSetup } from '../run/setup-detect.ts';
import { Best, withAverages } from './best.ts';
import { trainedInParts } from './trained-values.ts';
import type { Monitor, MonitorParts } from './training.ts';

/** Most images of one run of the engine. */
const AT_ONCE = 8;
/** Images by which the recall of proposals is measured between evaluations, at most. */
const BETWEEN = 50;

/** The images of detection. */
export interface DetectData extends Omit<BoxedSets, 'test'> {
  readonly train: Dataset;
  /** Images of an evaluation. */
  readonly test: Dataset;
}

type Parts = MonitorParts<DetectorSetup, DetectData>;

/** Evaluates the detector, draws its detections, and keeps the weights that score best. */
export function detectMonitor(parts: Parts): Monitor<HeadStart> {
  const { setup, data, engine, session, store, broken, emit } = parts;
  const { config, classes, model } = setup;
  const { training, evaluation, seed } = config;
  const { test, testSource } = data;
  const best = new Best(parts, 'boxAP');
  let isEvaluated = false;
  const shown = sample(test, Math.max(1, evaluation.pictures), seed, 'pictures');
  const between = sample(test, BETWEEN, seed, 'between evaluations');
  const batch = 2 ** Math.floor(Math.log2(shortRun(model, engine, AT_ONCE)));
  const detecting = (isAveraged: boolean): Detecting => ({
    ...{ model, batch, broken, normalisation: setup.normalisation },
    ...{ proposals: evaluation.proposals, detections: evaluation.detections },
    leastScore: evaluation.leastScore,
    programs: setup.predict(batch, isAveraged),
    run: (program, inputs) => session.run(program, inputs),
  });
  return {
    judged: { testSource, testImages: test.length },
    start() {
      const { specs } = setup.programs(microBatchOf(training));
      return { weights: trainedInParts(specs), classes, testImages: test.length };
    },
    atStart: async () => undefined,
    async atEpoch(progress, last, signal) {
      isEvaluated = last || progress.epoch % evaluation.every === 0;
      const onProgress = (done: number, total: number) => emit({ type: 'evaluating', done, total });
      const watch = { onProgress, signal };
      if (!isEvaluated) {
        const { proposalRecall } = await evaluateDetection(between, detecting(false), { signal });
        return { proposalRecall };
      }
      const measure = (isAveraged: boolean) => evaluateDetection(test, detecting(isAveraged), watch);
      const own = columns(await measure(false), classes);
      const averages = training.ema > 0 ? columns(await measure(true), classes) : undefined;
      const scores = withAverages(own, averages);
      await best.keep(scores, progress);
      return scores;
    },
    async draw(step) {
      if (evaluation.pictures === 0 || !isEvaluated) return;
      const png = await detectionGrid(shown, detecting(false), classes);
      if (!png) return;
      const path = await writePredictions(store, step, png);
      emit({ type: 'file', kind: 'predictions', path });
    },
  };
}

/** The columns of a row: the scores, 0 where there is no object of a size, and box AP of each class that occurs. */
function columns({ boxes, masks, proposalRecall }: DetectionScores, classes: readonly string[]) {
  const known = classes.flatMap((name, k) =>
    boxes.classes[k]! < 0 ? [] : [[name, boxes.classes[k]!] as const],
  );
  return {
    ...named('box', boxes),
    ...(masks && named('mask', masks)),
    proposalRecall,
    classAP: Object.fromEntries(known),
  };
}

function named(what: 'box' | 'mask', { AP, AP50, AP75, APs, APm, APl }: CocoScores) {
  const scores = Object.entries({ AP, AP50, AP75, APs, APm, APl }).filter(([, value]) => value >= 0);
  return Object.fromEntries(scores.map(([name, value]) => [`${what}${name}`, value]));
}
