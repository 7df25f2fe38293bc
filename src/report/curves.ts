import { smoothed } from '../visualize/curves.ts';
import { type OverlayPanel, renderOverlay } from '../visualize/overlay.ts';
import { knnSeries, linearSeries, type Point, seriesOf } from '../visualize/series.ts';
import type { ReportedRun, RunKind } from './run.ts';

/** Curves of all runs over each other as SVG: of pre-training, then of what was made of it. */
export function reportCurves(runs: readonly ReportedRun[]): string {
  const panel = (
    title: string,
    kind: RunKind,
    points: (run: ReportedRun) => readonly Point[],
    percent = false,
  ) => ({
    ...{ title, percent },
    curves: runs.map((run) => (run.kind === kind ? points(run) : [])),
  });
  const series =
    (key: string) =>
    ({ rows }: ReportedRun) =>
      seriesOf(rows, key);
  const loss = ({ rows }: ReportedRun) => smoothed(seriesOf(rows, 'loss'));
  const panels: OverlayPanel[] = [
    panel('Loss of pre-training, smoothed', 'pretrain', loss),
    panel('Held-out loss of pre-training', 'pretrain', series('heldOutLoss')),
    panel('kNN top-1 of pre-training', 'pretrain', ({ rows }) => knnSeries(rows), true),
    panel('Brief linear top-1 of pre-training', 'pretrain', ({ rows }) => linearSeries(rows), true),
    panel('Loss of linear probes, smoothed', 'linprobe', loss),
    panel('Loss of fine-tuning, smoothed', 'finetune', loss),
    panel('Evaluation loss of fine-tuning', 'finetune', series('evaluationLoss')),
    panel('Top-1 of fine-tuning', 'finetune', series('top1'), true),
  ];
  return renderOverlay(
    runs.map(({ name }) => name),
    panels,
  );
}
