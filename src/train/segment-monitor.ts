import { microBatchOf } from '../config/rules.ts';
import { classColours } from '../data/masks/classes.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import { shortRun } from '../evaluate/images-at-once.ts';
import type { SegmentationScores } from '../evaluate/segmentation/confusion.ts';
import { evaluateSegmentation, type Segmenting } from '../evaluate/segmentation/evaluate-segmentation.ts';
import type { MaskedSets } from '../evaluate/segmentation/masked-images.ts';
import { segmentationGrid } from '../evaluate/segmentation/pictures.ts';
import { sessionLogits } from '../evaluate/segmentation/predict-image.ts';
import { sample } from '../run/data.ts';
import type { HeadStart } from '../run/events.ts';
import { writePredictions } from '../run/run-files.ts';
import { type SegmenterSetup, zoomOf } from '../run/setup-segment.ts';
import { Best, withAverages } from './best.ts';
import { trainedInParts } from './trained-values.ts';
import type { Monitor, MonitorParts } from './training.ts';

/** Most windows of one run of the engine. */
const AT_ONCE = 8;

/** The images of segmentation. */
export interface SegmentData extends Omit<MaskedSets, 'test'> {
  readonly train: Dataset;
  /** Images of an evaluation. */
  readonly test: Dataset;
}

type Parts = MonitorParts<SegmenterSetup, SegmentData>;

/** Evaluates the segmenter, draws its predictions, and keeps the weights that score best. */
export function segmentMonitor(parts: Parts): Monitor<HeadStart> {
  const { setup, data, engine, session, store, broken, emit } = parts;
  const { config, classes, model } = setup;
  const { training, evaluation, seed } = config;
  const { test, testSource, table } = data;
  const best = new Best(parts, 'mIoU');
  let isEvaluated = false;
  const shown = sample(test, Math.max(1, evaluation.pictures), seed, 'pictures');
  const atOnce = 2 ** Math.floor(Math.log2(shortRun(model, engine, AT_ONCE)));
  const segmenting = (isAveraged: boolean): Segmenting => ({
    ...{ model, atOnce, broken },
    normalisation: setup.normalisation,
    zoom: zoomOf(config),
    stride: evaluation.stride,
    scales: evaluation.scales,
    flip: evaluation.flip,
    logits: sessionLogits(session, (batch) => setup.predict(batch, isAveraged)),
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
      if (!isEvaluated) return {};
      const onProgress = (done: number, total: number) => emit({ type: 'evaluating', done, total });
      const measure = (isAveraged: boolean) =>
        evaluateSegmentation(test, segmenting(isAveraged), { onProgress, signal });
      const own = columns(await measure(false), classes);
      const averages = training.ema > 0 ? columns(await measure(true), classes) : undefined;
      const scores = withAverages(own, averages);
      await best.keep(scores, progress);
      return scores;
    },
    async draw(step) {
      if (evaluation.pictures === 0 || !isEvaluated) return;
      const png = await segmentationGrid(shown, segmenting(false), { classes, colours: classColours(table) });
      if (!png) return;
      const path = await writePredictions(store, step, png);
      emit({ type: 'file', kind: 'predictions', path });
    },
  };
}

/** The columns of a row: the scores, and the intersection over union of each class that occurs. */
function columns({ mIoU, mAcc, aAcc, iou }: SegmentationScores, classes: readonly string[]) {
  const known = classes.flatMap((name, k) => (Number.isNaN(iou[k]) ? [] : [[name, iou[k]!] as const]));
  return { mIoU, mAcc, aAcc, iou: Object.fromEntries(known) };
}
