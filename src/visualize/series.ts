/**
 * A row of metrics. Other keys with numbers count as parts of the loss. JSON writes numbers that are not finite as
 * null.
 */
export interface MetricsRow {
  readonly step: number;
  readonly epoch?: number | null;
  readonly loss?: number | null;
  readonly heldOutLoss?: number | null;
  readonly lr?: number | null;
  readonly gradientNorm?: number | null;
  readonly imagesPerSecond?: number | null;
  readonly seconds?: number | null;
  readonly [part: string]: unknown;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

const KNOWN = [
  ...['step', 'epoch', 'loss', 'heldOutLoss', 'lr', 'gradientNorm', 'imagesPerSecond', 'seconds'],
  ...['top1', 'top5', 'evaluationLoss', 'emaTop1', 'emaTop5', 'emaEvaluationLoss'],
  ...['psnr', 'psnrOfMeans'],
  ...['mIoU', 'mAcc', 'aAcc', 'emaMIoU', 'emaMAcc', 'emaAAcc'],
];

/** The finite values of one key, by step. */
export function seriesOf(rows: readonly MetricsRow[], key: string): Point[] {
  return rows
    .map((row) => ({ x: row.step, y: row[key] }))
    .filter((point): point is Point => Number.isFinite(point.x) && Number.isFinite(point.y));
}

/** kNN top-1 of the features, by step. */
export function knnSeries(rows: readonly MetricsRow[]): Point[] {
  const accuracies = rows.map(({ step, knn }) => ({
    step,
    top1: (knn as { features?: unknown } | null | undefined)?.features,
  }));
  return seriesOf(accuracies, 'top1');
}

/** The decibels by which reconstructions are better than the means of patches, by step. */
export function gainSeries(rows: readonly MetricsRow[]): Point[] {
  const gain = ({ psnr, psnrOfMeans }: MetricsRow) => Number(psnr ?? Number.NaN) - Number(psnrOfMeans);
  return seriesOf(
    rows.map((row) => ({ step: row.step, gain: gain(row) })),
    'gain',
  );
}

/** Top-1 of the brief linear probe of the features, by step. */
export function linearSeries(rows: readonly MetricsRow[]): Point[] {
  const probes = rows.map(({ step, knn }) => ({
    step,
    knn: (knn as { linear?: unknown } | null | undefined)?.linear,
  }));
  return knnSeries(probes);
}

/** Steps whose loss is present but not finite. */
export function brokenSteps(rows: readonly MetricsRow[]): number[] {
  const broken = rows.filter(
    ({ step, loss }) => Number.isFinite(step) && loss !== undefined && !Number.isFinite(loss),
  );
  return broken.map(({ step }) => step);
}

/**
 * Keys with numbers, except the known ones, in order of appearance: parts of the loss, which are in every row with a loss, and
 * other scores, which are measured now and then.
 */
export function furtherNames(rows: readonly MetricsRow[]): { parts: string[]; scores: string[] } {
  const names = new Set<string>();
  for (const row of rows)
    for (const [key, value] of Object.entries(row))
      if (typeof value === 'number' && !KNOWN.includes(key)) names.add(key);
  const whole = rows.filter(({ loss }) => Number.isFinite(loss));
  const everywhere = (name: string) => whole.every((row) => name in row);
  return {
    parts: [...names].filter(everywhere),
    scores: [...names].filter((name) => !everywhere(name)),
  };
}

/** Centred moving average over `window` points, fewer at the ends. */
export function smooth(points: readonly Point[], window: number): Point[] {
  const half = Math.floor(window / 2);
  const sums = [0];
  for (const { y } of points) sums.push(sums.at(-1)! + y);
  return points.map(({ x }, i) => {
    const from = Math.max(0, i - half);
    const to = Math.min(points.length, i + half + 1);
    return { x, y: (sums[to]! - sums[from]!) / (to - from) };
  });
}

/** Reduces points for drawing to at most about 2 · `buckets`: the lowest and the highest of each interval. */
export function thin(points: readonly Point[], buckets: number): Point[] {
  if (points.length <= 2 * buckets) return [...points];
  const kept: Point[] = [];
  for (let b = 0; b < buckets; b++) {
    const from = Math.floor((b * points.length) / buckets);
    const stretch = points.slice(from, Math.floor(((b + 1) * points.length) / buckets));
    const low = stretch.reduce((a, p) => (p.y < a.y ? p : a));
    const high = stretch.reduce((a, p) => (p.y > a.y ? p : a));
    kept.push(...(low.x <= high.x ? [low, high] : [high, low]));
  }
  return kept;
}

/** Up to this number, points are drawn as they are. */
export const FEW = 20;

/** Centred moving average over a fiftieth of the points; few points stay as they are. */
export function smoothed(points: readonly Point[]): readonly Point[] {
  return points.length < FEW ? points : smooth(points, Math.max(5, points.length / 50));
}
