import { pooledResidual, summarise } from '../report/statistics.ts';
import { quantile } from '../report/student.ts';
import { type IntervalPanel, renderIntervals } from '../visualize/intervals.ts';
import { type OverlayPanel, renderOverlay } from '../visualize/overlay.ts';
import type { Point } from '../visualize/series.ts';
import type { Budget, Group } from './arms.ts';
import { isHead } from './head-judges.ts';
import { measureOf } from './judges.ts';
import type { Cell } from './pieces.ts';
import type { Records, Score } from './results.ts';

/** Means of the arms of a group for each judge, with half of the 95 % interval from the pooled residual spread, as SVG. */
export function drawScores(group: Group, budget: Budget, scores: readonly Score[]): string | undefined {
  const own = scores.filter((score) => score.group === group.name && score.budget === budget);
  const judges = [...new Set(own.map(({ judge }) => judge))];
  const panels = judges.map((judge): IntervalPanel => {
    const judged = own.filter((score) => score.judge === judge);
    const residual = pooledResidual(
      judged.map(({ arm, seed, score }) => ({ arm, seed, value: 100 * score })),
    );
    const rows = group.arms.flatMap(({ name }) => {
      const values = judged.filter(({ arm }) => arm === name).map(({ score }) => 100 * score);
      if (values.length === 0) return [];
      const half = residual && (quantile(residual.degrees) * residual.deviation) / Math.sqrt(values.length);
      return [{ label: name, values, mean: summarise(values).mean, half }];
    });
    return { title: judge, xLabel: `${measureOf(judge)}, %`, rows };
  });
  return panels.length > 0 ? renderIntervals(panels) : undefined;
}

/** Losses by epoch, each the mean over the seeds of an arm, as SVG. */
export function drawLosses(group: Group, cells: readonly Cell[], records: Records): string | undefined {
  const own = cells.filter((cell) => cell.group === group.name);
  const arms = group.arms.map(({ name }) => name);
  const panel = (title: string, key: string, ids: (arm: string) => string[]): OverlayPanel => ({
    title,
    xLabel: 'epoch',
    curves: arms.map((arm) => meanCurve(ids(arm), key, records)),
  });
  const of = (arm: string, id: (cell: Cell) => string, judge?: string) => [
    ...new Set(own.filter((cell) => cell.arm === arm && (judge ?? cell.judge) === cell.judge).map(id)),
  ];
  const tuned = [...new Set(own.map(({ judge }) => judge))].filter(
    (judge) => judge.startsWith('fine-tune') || isHead(judge),
  );
  const panels = [
    panel('Loss of pre-training', 'loss', (arm) => of(arm, ({ model }) => model)),
    panel('Held-out loss of pre-training', 'heldOutLoss', (arm) => of(arm, ({ model }) => model)),
    ...tuned.map((judge) => panel(`Loss, ${judge}`, 'loss', (arm) => of(arm, ({ piece }) => piece, judge))),
  ];
  const isDrawn = panels.some(({ curves }) => curves.some((points) => points.length > 0));
  return isDrawn ? renderOverlay(arms, panels) : undefined;
}

/** The mean at each epoch that all of the runs have. */
function meanCurve(ids: readonly string[], key: string, records: Records): Point[] {
  const runs = ids.flatMap((id) => {
    const rows = records.get(id)?.epochs ?? [];
    const values = rows.flatMap((row) =>
      typeof row[key] === 'number' && typeof row.epoch === 'number' ? [[row.epoch, row[key]] as const] : [],
    );
    return values.length > 0 ? [new Map(values)] : [];
  });
  const [first, ...others] = runs;
  return [...(first ?? [])].flatMap(([x, y]) => {
    const all = [y, ...others.map((run) => run.get(x))];
    if (all.includes(undefined)) return [];
    return [{ x, y: summarise(all as number[]).mean }];
  });
}
