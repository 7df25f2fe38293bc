import type { RunEvaluator } from '../parts/evaluator.ts';
import { ownScores } from '../parts/own-scores.ts';
import type { RunConfig } from '../run/kind.ts';
import type { Monitor, MonitorParts, TrainingData } from './training.ts';

/** Columns of rows that the library writes, which no evaluator may yield. */
const COLUMNS =
  'step epoch loss lr gradientNorm imagesPerSecond seconds skipped unmeasured heldOutLoss psnr psnrOfMeans evaluationLoss panel knn top1 top5 emaTop1 emaTop5 mIoU mAcc aAcc iou';

/** A monitor that measures by the user's own evaluators too. */
export function withOwnScores<Start, S, D extends TrainingData>(
  monitor: Monitor<Start>,
  config: RunConfig,
  { session, broken, engine, data, emit }: MonitorParts<S, D>,
  evaluators: readonly RunEvaluator[] = [],
): Monitor<Start> {
  if (evaluators.length === 0) return monitor;
  const { train, heldOut = data.test } = data;
  return {
    judged: monitor.judged,
    start: () => monitor.start(),
    atStart: (signal) => monitor.atStart(signal),
    async atEpoch(progress, last, signal) {
      const columns = await monitor.atEpoch(progress, last, signal);
      const at = { epoch: progress.epoch, last, taken: [...COLUMNS.split(' '), ...Object.keys(columns)] };
      const run = { config, session, broken, engine, train, heldOut };
      const scores = await ownScores(evaluators, run, at, (name) => ({
        signal,
        onProgress: (done, total, what = name) => emit({ type: 'evaluating', what, done, total }),
      }));
      return { ...columns, ...scores };
    },
    ...(monitor.draw && { draw: (step: number) => monitor.draw!(step) }),
  };
}
