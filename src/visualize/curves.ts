import { escapeMarkup } from './escape-markup.ts';
import { measureSeries, shownMeasures } from './measures.ts';
import { type Curve, type PanelOptions, renderPanel } from './panel.ts';
import {
  brokenSteps,
  FEW,
  furtherNames,
  knnSeries,
  linearSeries,
  type MetricsRow,
  type Point,
  seriesOf,
  smoothed,
} from './series.ts';
import { formatTick } from './ticks.ts';

type Content = Pick<PanelOptions, 'title' | 'curves' | 'fromZero' | 'percent' | 'crosses'>;

export interface CurvesOptions {
  readonly title: string;
}

const WIDTH = 960;
const MARGIN = 16;
const HEAD = 60;
/** Heights of the loss panel and of the other panels. */
const [TALL, LOW] = [300, 200];
const COLOURS = ['#2a6fbb', '#d97706', '#2f8f4e', '#8e4ec6', '#5c6b7a', '#b0588a'];
/** Keys of accuracies and their labels; EMA: with averaged weights. */
const ACCURACIES = [
  ['top1', 'top-1'],
  ['top5', 'top-5'],
  ['emaTop1', 'EMA top-1'],
] as const;
const SEGMENTATION = [
  ['mIoU', 'mIoU'],
  ['aAcc', 'pixel accuracy'],
  ['emaMIoU', 'EMA mIoU'],
] as const;
/** Style of the panels' text and lines. */
export const STYLE = `text{font-family:'DejaVu Sans',Verdana,sans-serif;font-size:12px;fill:#222}
.tick{font-size:11px;fill:#666}.curve{fill:none;stroke-linejoin:round;stroke-linecap:round}`;

/**
 * Draws a run's metrics, one row per step in ascending order, as an SVG document: the loss (raw pale, smoothed on
 * top, held-out as dots), and if present its parts, other scores, the learning rate, the gradient norm and the speed. Skips values
 * that are missing, null, NaN or infinite, and marks steps with such a loss. Accepts an empty list.
 */
export function renderCurves(rows: readonly MetricsRow[], options: CurvesOptions): string {
  const valid = rows.filter(({ step }) => Number.isFinite(step));
  const steps = [valid[0]?.step ?? 0, valid.at(-1)?.step ?? 0] as const;
  const [left, width] = [MARGIN, WIDTH - 2 * MARGIN];
  const panels = [renderPanel({ ...lossPanel(valid), steps, left, top: HEAD, width, height: TALL })];
  const others = otherPanels(valid);
  const half = (width - MARGIN) / 2;
  others.forEach((panel, i) => {
    const place = {
      left: MARGIN + (i % 2) * (half + MARGIN),
      top: HEAD + TALL + MARGIN + Math.floor(i / 2) * (LOW + MARGIN),
    };
    panels.push(renderPanel({ ...panel, ...place, steps, width: half, height: LOW }));
  });
  const height = HEAD + TALL + Math.ceil(others.length / 2) * (LOW + MARGIN) + MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">
<style>${STYLE}</style>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="${MARGIN + 4}" y="28" style="font-size:17px;font-weight:bold">${escapeMarkup(options.title)}</text>
<text x="${MARGIN + 4}" y="48" style="fill:#666">${escapeMarkup(summary(valid))}</text>
${panels.join('\n')}
</svg>
`;
}

function lossPanel(rows: readonly MetricsRow[]): Content {
  const curves = rawAndSmoothed(seriesOf(rows, 'loss'), 'training');
  const heldOut = [...seriesOf(rows, 'heldOutLoss'), ...seriesOf(rows, 'evaluationLoss')];
  const dots = heldOut.length <= 100;
  if (heldOut.length > 0) curves.push({ label: 'held-out', colour: colour(1), points: heldOut, dots });
  return {
    title: 'Loss',
    curves,
    crosses: { label: 'loss not finite', steps: brokenSteps(rows).slice(0, 200) },
  };
}

/** The panels that have values. */
function otherPanels(rows: readonly MetricsRow[]): Content[] {
  const { parts, scores } = furtherNames(rows);
  const series = (key: string) => seriesOf(rows, key);
  const partCurves = parts.map((name, i) => ({
    label: name,
    colour: colour(i),
    points: smoothed(series(name)),
  }));
  const scoreCurve = (name: string, i: number) => {
    const points = series(name);
    return { label: name, colour: colour(i), points, dots: points.length <= FEW };
  };
  const accuracies = [
    ...ACCURACIES.map(([key, label]) => ({ label, points: series(key) })),
    { label: 'kNN top-1', points: knnSeries(rows) },
    { label: 'brief linear top-1', points: linearSeries(rows) },
    ...SEGMENTATION.map(([key, label]) => ({ label, points: series(key) })),
  ].map((curve, i) => ({ ...curve, colour: colour(i), dots: curve.points.length <= FEW }));
  const panels: Content[] = [
    { title: 'Accuracy', curves: accuracies.filter(({ points }) => points.length > 0), percent: true },
    { title: 'PSNR of held-out images, dB', curves: psnrCurves(rows) },
    ...shownMeasures.map(({ key, title, percent = false }) => {
      const points = measureSeries(rows, key);
      return {
        ...{ title, percent },
        curves: [{ label: '', colour: colour(0), points, dots: points.length <= FEW }],
      };
    }),
    { title: 'Parts of the loss', curves: partCurves },
    { title: 'Other scores', curves: scores.map(scoreCurve) },
    {
      title: 'Learning rate',
      curves: [{ label: '', colour: colour(0), points: series('lr') }],
      fromZero: true,
    },
    { title: 'Gradient norm', curves: rawAndSmoothed(series('gradientNorm')) },
    { title: 'Images per second', curves: rawAndSmoothed(series('imagesPerSecond')), fromZero: true },
  ];
  return panels.filter(({ curves }) => curves.some(({ points }) => points.length > 0));
}

/** PSNR of reconstructions, and that of the means of patches. */
function psnrCurves(rows: readonly MetricsRow[]): Curve[] {
  const curves = [
    ['psnr', 'reconstructions'],
    ['psnrOfMeans', 'patch means alone'],
  ] as const;
  return curves.flatMap(([key, label], i) => {
    const points = seriesOf(rows, key);
    return points.length > 0 ? [{ label, colour: colour(i), points, dots: points.length <= FEW }] : [];
  });
}

/** Pale raw values with a smoothed line on top; a plain line for few values. */
function rawAndSmoothed(points: readonly Point[], name?: string): Curve[] {
  const label = (text: string) => (name ? `${name}, ${text}` : text);
  if (points.length < FEW) return [{ label: name ?? '', colour: colour(0), points }];
  return [
    { label: label('each step'), colour: colour(0), points, faint: true },
    { label: label('smoothed'), colour: colour(0), points: smoothed(points) },
  ];
}

function summary(rows: readonly MetricsRow[]): string {
  const last = rows.at(-1);
  if (!last) return 'no rows yet';
  const facts = [`step ${last.step}`];
  if (Number.isFinite(last.epoch)) facts.push(`epoch ${formatTick(last.epoch!)}`);
  const loss = smoothed(seriesOf(rows, 'loss')).at(-1);
  if (loss) facts.push(`loss ${formatTick(loss.y)}`);
  const heldOut = seriesOf(rows, 'heldOutLoss').at(-1);
  if (heldOut) facts.push(`held-out loss ${formatTick(heldOut.y)}`);
  const top1 = seriesOf(rows, 'top1').at(-1);
  if (top1) facts.push(`top-1 ${share(top1.y)}`);
  const knn = knnSeries(rows).at(-1);
  if (knn) facts.push(`kNN top-1 ${share(knn.y)}`);
  const linear = linearSeries(rows).at(-1);
  if (linear) facts.push(`brief linear top-1 ${share(linear.y)}`);
  return facts.join('  ·  ');
}

const share = (value: number) => `${(100 * value).toFixed(1)} %`;

/** Colour of curve `i`. Beyond the fixed colours, hues are spread evenly. */
export function colour(i: number): string {
  return COLOURS[i] ?? `hsl(${Math.round(i * 137.5) % 360},60%,42%)`;
}
