import { colour, STYLE } from './curves.ts';
import { escapeMarkup } from './escape-markup.ts';
import { renderPanel } from './panel.ts';
import type { Point } from './series.ts';

/** One chart: a curve for every run; it may be empty. */
export interface OverlayPanel {
  readonly title: string;
  readonly curves: readonly (readonly Point[])[];
  /** Label of the horizontal axis. Default: step. */
  readonly xLabel?: string;
  /** True: both axes start at zero. */
  readonly fromZero?: boolean;
  /** True: values are fractions, shown in percent. */
  readonly percent?: boolean;
}

const WIDTH = 960;
const HEIGHT = 240;
const MARGIN = 16;
const LINE = 18;

/**
 * Draws curves of several runs over each other as an SVG document: a legend with a line for each run with a curve,
 * then the panels, two in a row. Skips panels without points. Each panel has its own range of steps.
 * @param runs names of the runs, in the order of the panels' curves
 */
export function renderOverlay(runs: readonly string[], panels: readonly OverlayPanel[]): string {
  const drawn = panels.filter(({ curves }) => curves.some((points) => points.length > 0));
  const shown = runs.flatMap((name, i) =>
    drawn.some(({ curves }) => curves[i]?.length) ? [{ name, colour: colour(i) }] : [],
  );
  const head = MARGIN + shown.length * LINE;
  const width = (WIDTH - 3 * MARGIN) / 2;
  const parts = shown.map(({ name, colour }, i) => {
    const base = MARGIN + (i + 1) * LINE - 4;
    return `<path d="M${MARGIN} ${base - 4}h24" stroke="${colour}" stroke-width="3"/>
<text x="${MARGIN + 32}" y="${base}">${escapeMarkup(name)}</text>`;
  });
  drawn.forEach(({ title, curves, xLabel, fromZero, percent }, i) => {
    const xs = curves.flatMap((points) => points.map(({ x }) => x));
    const steps = [
      fromZero ? 0 : xs.reduce((a, b) => Math.min(a, b)),
      xs.reduce((a, b) => Math.max(a, b)),
    ] as const;
    const place = {
      left: MARGIN + (i % 2) * (width + MARGIN),
      top: head + MARGIN + Math.floor(i / 2) * (HEIGHT + MARGIN),
    };
    const coloured = curves.map((points, run) => ({
      label: '',
      colour: colour(run),
      points,
      dots: points.length <= 20,
    }));
    const axes = { steps, xLabel, fromZero, percent };
    parts.push(renderPanel({ title, curves: coloured, ...axes, ...place, width, height: HEIGHT }));
  });
  const height = head + MARGIN + Math.ceil(drawn.length / 2) * (HEIGHT + MARGIN);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">
<style>${STYLE}</style>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
${parts.join('\n')}
</svg>
`;
}
