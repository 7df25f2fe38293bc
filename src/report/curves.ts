import { smoothed } from '../visualize/curves.ts';
import { type OverlayPanel, renderOverlay } from '../visualize/overlay.ts';
import { type Point, seriesOf } from '../visualize/series.ts';
import type { ReportedRun } from './run.ts';

/** Curves of all runs over each other as SVG: of pre-training, then of what was made of it. */
export function reportCurves(runs: readonly ReportedRun[]): string {
  const panel = (title: string, wanted: boolean, points: (run: ReportedRun) => readonly Point[]) => ({
    title,
    curves: runs.map((run) => ((run.kind === 'pretrain') === wanted ? points(run) : [])),
  });
  const series =
    (key: string) =>
    ({ rows }: ReportedRun) =>
      seriesOf(rows, key);
  const panels: OverlayPanel[] = [
    panel('Loss of pre-training, smoothed', true, (run) => smoothed(seriesOf(run.rows, 'loss'))),
    panel('Held-out loss of pre-training', true, series('heldOutLoss')),
    panel('kNN top-1', true, knnSeries),
    panel('Loss of fine-tuning and probes, smoothed', false, (run) => smoothed(seriesOf(run.rows, 'loss'))),
    panel('Evaluation loss', false, series('evaluationLoss')),
    panel('Top-1', false, series('top1')),
  ];
  return renderOverlay(
    runs.map(({ name }) => name),
    panels,
  );
}

function knnSeries({ rows }: ReportedRun): Point[] {
  const accuracies = rows.map(({ step, knn }) => ({
    step,
    top1: (knn as { features?: unknown } | null)?.features,
  }));
  return seriesOf(accuracies, 'top1');
}
