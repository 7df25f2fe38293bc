import { recordedKinds } from '../run/kinds/table.ts';
import { renderOverlay } from '../visualize/overlay.ts';
import type { ReportedRun } from './run.ts';

/** Curves of all runs over each other as SVG, kind by kind. */
export function reportCurves(runs: readonly ReportedRun[]): string {
  const panels = recordedKinds.flatMap((kind) =>
    kind.panels.map(({ title, percent = false, points }) => ({
      ...{ title, percent },
      curves: runs.map((run) => (run.kind === kind ? points(run.rows) : [])),
    })),
  );
  return renderOverlay(
    runs.map(({ name }) => name),
    panels,
  );
}
