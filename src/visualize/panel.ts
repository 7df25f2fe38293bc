import { scaleLinear, scaleLog } from 'd3-scale';
import { line } from 'd3-shape';
import { escapeMarkup } from './escape-markup.ts';
import { type Point, thin } from './series.ts';
import { logTickLabels, tickLabels } from './ticks.ts';

/** One line of a chart. The legend skips empty labels. */
export interface Curve {
  readonly label: string;
  readonly colour: string;
  readonly points: readonly Point[];
  /** Drawn thin and pale, behind the others. */
  readonly faint?: boolean;
  readonly dots?: boolean;
}

export interface PanelOptions {
  readonly title: string;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** First and last step, shared by all panels. */
  readonly steps: readonly [number, number];
  readonly curves: readonly Curve[];
  /** Label of the horizontal axis. Default: step. */
  readonly xLabel?: string | undefined;
  /** Steps marked with a red cross at the upper edge, and their label. */
  readonly crosses?: { readonly label: string; readonly steps: readonly number[] };
  /** True: the vertical axis starts at zero. */
  readonly fromZero?: boolean | undefined;
  /** True: values are fractions, shown in percent. */
  readonly percent?: boolean | undefined;
}

const AXIS = { left: 52, right: 10, top: 30, bottom: 34 };
/** Approximate width of a digit on an axis. */
const DIGIT = 7;
/** Points per curve that a screen can show. */
const BUCKETS = 450;
/** Limit of axes. Numbers closer to zero than its inverse count as zero. */
const LARGEST = 1e300;
const RED = '#c1272d';

/** A line chart with axes and a legend, as SVG elements. Wide ranges (1:100) of positive values are logarithmic. */
export function renderPanel(options: PanelOptions): string {
  const { title, left, top, width, height, curves, crosses, xLabel = 'step' } = options;
  const [y0, y1] = [top + height - AXIS.bottom, top + AXIS.top];
  const [first, last] = options.steps;
  const values = curves.flatMap(({ points }) => points.map((point) => point.y));
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const isLog = !options.percent && low > 0 && high / low > 100;
  const y = isLog
    ? scaleLog([low, high], [y0, y1]).nice()
    : scaleLinear(options.percent ? shares(low, high) : domain(low, high, options.fromZero), [y0, y1]).nice(
        4,
      );
  const ticks = isLog ? y.ticks(4).filter(isPowerOfTen) : y.ticks(4);
  const labels = isLog ? logTickLabels(ticks) : tickLabels(ticks, options.percent);
  const widest = Math.max(0, ...labels.map(({ length }) => length));
  const [x0, x1] = [left + Math.max(AXIS.left, widest * DIGIT + 10), left + width - AXIS.right];
  const x = scaleLinear([first, last > first ? last : first + 1], [x0, x1]);

  const parts: string[] = [
    `<text x="${left + 4}" y="${top + 16}" font-weight="bold">${escapeMarkup(title)}</text>`,
  ];
  for (const [i, tick] of ticks.entries()) {
    const at = round(y(tick));
    parts.push(`<path d="M${x0} ${at}H${x1}" stroke="#e6e6e6"/>`);
    parts.push(`<text x="${x0 - 6}" y="${at + 4}" text-anchor="end" class="tick">${labels[i]}</text>`);
  }
  const stepTicks = x.ticks(Math.max(2, Math.floor(width / 110))).filter(Number.isInteger);
  const stepLabels = tickLabels(stepTicks);
  for (const [i, tick] of stepTicks.entries()) {
    const at = round(x(tick));
    parts.push(`<path d="M${at} ${y0}v4" stroke="#888"/>`);
    parts.push(`<text x="${at}" y="${y0 + 16}" text-anchor="middle" class="tick">${stepLabels[i]}</text>`);
  }
  parts.push(`<path d="M${x0} ${y0}H${x1}" stroke="#888"/>`);
  const middle = (x0 + x1) / 2;
  parts.push(
    `<text x="${middle}" y="${y0 + 30}" text-anchor="middle" class="tick">${escapeMarkup(xLabel)}</text>`,
  );

  const path = line<Point>(
    (point) => x(point.x),
    (point) => y(point.y),
  ).digits(1);
  for (const { points, colour, faint, dots } of curves) {
    const look = faint ? 'stroke-width="1" opacity="0.35"' : 'stroke-width="1.8"';
    parts.push(`<path d="${path(thin(points, BUCKETS)) ?? ''}" stroke="${colour}" ${look} class="curve"/>`);
    if (!dots && points.length !== 1) continue; // a single point draws no line
    for (const point of points)
      parts.push(`<circle cx="${round(x(point.x))}" cy="${round(y(point.y))}" r="3" fill="${colour}"/>`);
  }
  for (const step of crosses?.steps ?? [])
    parts.push(
      `<path d="M${round(x(step)) - 3} ${y1 - 3}l6 6m0 -6l-6 6" stroke="${RED}" stroke-width="1.5"/>`,
    );
  if (values.length === 0)
    parts.push(`<text x="${middle}" y="${(y0 + y1) / 2}" text-anchor="middle" class="tick">no values</text>`);

  const entries = curves
    .filter(({ label }) => label !== '')
    .map(({ label, colour, faint }) => ({ label, colour, faint }));
  if (crosses?.steps.length) entries.push({ label: crosses.label, colour: RED, faint: false });
  return [...parts, ...renderLegend(entries, x1, top + 16)].join('\n');
}

/** Draws the legend from right to left; the width of texts is estimated. */
function renderLegend(
  entries: { label: string; colour: string; faint: boolean | undefined }[],
  right: number,
  base: number,
): string[] {
  let end = right;
  return entries.reverse().flatMap(({ label, colour, faint }) => {
    const start = end - label.length * 6.6;
    const look = faint ? 'opacity="0.35"' : 'stroke-width="2.5"';
    const key = `<path d="M${round(start - 24)} ${base - 4}h18" stroke="${colour}" ${look}/>`;
    const text = `<text x="${round(start)}" y="${base}" class="tick">${escapeMarkup(label)}</text>`;
    end = start - 36;
    return [key, text];
  });
}

/** A range that is never empty: a constant gets a margin on both sides. */
function domain(low: number, high: number, fromZero = false): [number, number] {
  if (!(low <= high)) return [0, 1];
  const [from, to] = (fromZero ? [Math.min(0, low), Math.max(0, high)] : [low, high]).map(
    (end) => Math.max(-LARGEST, Math.min(LARGEST, Math.abs(end) < 1 / LARGEST ? 0 : end)), // ticks overflow otherwise
  ) as [number, number];
  if (from < to) return [from, to];
  return from === 0 ? [0, 1] : [from - Math.abs(from) / 10, to + Math.abs(to) / 10];
}

/** The same for fractions: limited to [0, 1]. */
function shares(low: number, high: number): [number, number] {
  if (!(low <= high)) return [0, 1];
  const [from, to] = low < high ? [low, high] : [low - 0.05, high + 0.05];
  return [Math.max(0, from), Math.min(1, to)];
}

function isPowerOfTen(value: number): boolean {
  return Number.isInteger(Math.round(Math.log10(value) * 1e6) / 1e6);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
