import { scaleLinear } from 'd3-scale';
import { colour, STYLE } from './curves.ts';
import { escapeMarkup } from './escape-markup.ts';
import { tickLabels } from './ticks.ts';

/** One line of a chart: a mean, its single values, and half the width of its interval. */
export interface IntervalRow {
  readonly label: string;
  readonly values: readonly number[];
  readonly mean: number;
  readonly half?: number | undefined;
}

export interface IntervalPanel {
  readonly title: string;
  /** Label of the horizontal axis. */
  readonly xLabel: string;
  readonly rows: readonly IntervalRow[];
}

const WIDTH = 960;
const MARGIN = 16;
const ROW = 22;
const AXIS = { right: 24, top: 34, bottom: 40 };
/** Estimated width of a letter. */
const LETTER = 6.8;

/**
 * Draws means with their intervals, and single values as small rings, as an SVG document. Panels are stacked
 * vertically.
 */
export function renderIntervals(panels: readonly IntervalPanel[]): string {
  const labels = [...new Set(panels.flatMap(({ rows }) => rows.map(({ label }) => label)))];
  const left = MARGIN + 20 + LETTER * Math.max(10, ...labels.map(({ length }) => length));
  let top = MARGIN;
  const parts = panels.map((panel) => {
    const part = renderPanel(panel, labels, left, top);
    top += AXIS.top + panel.rows.length * ROW + AXIS.bottom;
    return part;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top}" viewBox="0 0 ${WIDTH} ${top}">
<style>${STYLE}</style>
<rect width="${WIDTH}" height="${top}" fill="#fff"/>
${parts.join('\n')}
</svg>
`;
}

/** @param labels labels of all panels; a label has the same colour in all of them */
function renderPanel(
  { title, xLabel, rows }: IntervalPanel,
  labels: readonly string[],
  left: number,
  top: number,
): string {
  const ends = rows.flatMap(({ mean, half = 0, values }) => [mean - half, mean + half, ...values]);
  const [low, high] = ends.length > 0 ? [Math.min(...ends), Math.max(...ends)] : [0, 1];
  const room = high > low ? (high - low) / 20 : Math.max(Math.abs(high) / 10, 0.01);
  const x = scaleLinear([low - room, high + room], [left, WIDTH - AXIS.right]);
  const first = top + AXIS.top;
  const base = first + rows.length * ROW;
  const parts = [`<text x="${MARGIN + 4}" y="${top + 16}" font-weight="bold">${escapeMarkup(title)}</text>`];
  const ticks = x.ticks(7);
  const tickTexts = tickLabels(ticks);
  for (const [i, tick] of ticks.entries()) {
    const at = round(x(tick));
    parts.push(`<path d="M${at} ${first}V${base}" stroke="#e6e6e6"/>`);
    parts.push(`<text x="${at}" y="${base + 16}" text-anchor="middle" class="tick">${tickTexts[i]}</text>`);
  }
  parts.push(`<path d="M${left} ${base}H${WIDTH - AXIS.right}" stroke="#888"/>`);
  const middle = (left + WIDTH - AXIS.right) / 2;
  parts.push(
    `<text x="${middle}" y="${base + 31}" text-anchor="middle" class="tick">${escapeMarkup(xLabel)}</text>`,
  );
  for (const [i, { label, values, mean, half }] of rows.entries()) {
    const y = first + (i + 0.5) * ROW;
    const paint = colour(labels.indexOf(label));
    parts.push(`<text x="${left - 10}" y="${y + 4}" text-anchor="end">${escapeMarkup(label)}</text>`);
    if (half !== undefined)
      parts.push(
        `<path d="M${round(x(mean - half))} ${y}H${round(x(mean + half))}" stroke="${paint}" stroke-width="2"/>`,
      );
    for (const value of values)
      parts.push(
        `<circle cx="${round(x(value))}" cy="${y}" r="3" fill="none" stroke="${paint}" opacity="0.6"/>`,
      );
    parts.push(`<circle cx="${round(x(mean))}" cy="${y}" r="4.5" fill="${paint}"/>`);
  }
  return parts.join('\n');
}

function round(value: number): number {
  return Number(value.toFixed(1));
}
