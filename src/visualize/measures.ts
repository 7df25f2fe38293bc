import { type MetricsRow, type Point, seriesOf } from './series.ts';

/** A label-free measure as it is shown. */
export interface ShownMeasure {
  /** Its name in the column `panel` of metrics. */
  readonly key: string;
  readonly title: string;
  /** True: a share, shown in percent. */
  readonly percent?: boolean;
}

/** The label-free measures in the order of reports. */
export const shownMeasures: readonly ShownMeasure[] = [
  { key: 'rankMe', title: 'RankMe' },
  { key: 'lidar', title: 'LiDAR' },
  { key: 'alphaReq', title: 'α-ReQ' },
  { key: 'idEst', title: 'IdEst' },
  { key: 'meanCosine', title: 'mean cosine' },
  { key: 'deadDirections', title: 'dead directions', percent: true },
  { key: 'dse', title: 'DSE' },
  { key: 'linear', title: 'linear, leave-one-out', percent: true },
];

/** A label-free measure, by step. */
export function measureSeries(rows: readonly MetricsRow[], key: string): Point[] {
  const values = rows.map(({ step, panel }) => ({
    step,
    value: (panel as Record<string, unknown> | null | undefined)?.[key],
  }));
  return seriesOf(values, 'value');
}
