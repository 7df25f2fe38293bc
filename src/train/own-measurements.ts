import type { RunEvaluator } from '../parts/evaluator.ts';
import { type Judged, ownScores } from '../parts/own-scores.ts';
import type { RunningEvent } from '../run/events.ts';
import type { Measurements } from './job.ts';

/** Columns of every row, which no evaluator may yield. */
const COLUMNS =
  'step epoch loss lr gradientNorm imagesPerSecond seconds skipped unmeasured heldOutLoss evaluationLoss knn top1 top5 emaTop1 emaTop5';

/** The measurements of a run with those of the user's own evaluators. */
export function withOwnScores(
  measurements: Measurements,
  evaluators: readonly RunEvaluator[],
  { emit, ...run }: Judged & { readonly emit: (event: RunningEvent) => void },
): Measurements {
  if (evaluators.length === 0) return measurements;
  return {
    atStart: (signal) => measurements.atStart(signal),
    async atEpoch(progress, last, signal) {
      const columns = await measurements.atEpoch(progress, last, signal);
      const at = { epoch: progress.epoch, last, taken: [...COLUMNS.split(' '), ...Object.keys(columns)] };
      const scores = await ownScores(evaluators, run, at, (name) => ({
        signal,
        onProgress: (done, total, what = name) => emit({ type: 'evaluating', what, done, total }),
      }));
      return { ...columns, ...scores };
    },
    ...(measurements.draw && { draw: (step) => measurements.draw!(step) }),
  };
}
