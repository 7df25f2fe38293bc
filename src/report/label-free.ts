import { measureSeries, type ShownMeasure, shownMeasures } from '../visualize/measures.ts';
import { type OverlayPanel, renderOverlay } from '../visualize/overlay.ts';
import { gainSeries, seriesOf } from '../visualize/series.ts';
import type { Block } from './page.ts';
import type { ReportedRun } from './run.ts';

const NOTE =
  'Last values. PSNR is that of held-out images over the pixels that the encoder does not see, beside that of the means of patches that it could ' +
  'know: a model that draws has more. Compare the other measures between runs of one task only, and by their course. No one of them is a score: late in ' +
  'training they may rise while dense features get worse (arXiv 2510.17299).';

/** The section of measures that need no labels: a table and curves. Empty where no run has any. */
export function labelFreeBlocks(runs: readonly ReportedRun[]): Block[] {
  const measured = runs.filter(
    ({ rows }) => seriesOf(rows, 'psnr').length > 0 || measureSeries(rows, 'rankMe').length > 0,
  );
  if (measured.length === 0) return [];
  const svg = renderOverlay(
    measured.map(({ name }) => name),
    panelsOf(measured),
  );
  const picture = { name: 'label-free.svg', type: 'image/svg+xml', data: Buffer.from(svg) } as const;
  return [
    { kind: 'heading', text: 'Without labels' },
    { kind: 'table', rows: tableOf(measured) },
    { kind: 'paragraph', text: NOTE },
    { kind: 'picture', caption: 'Measures without labels, by step.', picture },
  ];
}

function panelsOf(runs: readonly ReportedRun[]): OverlayPanel[] {
  return [
    {
      title: 'PSNR above that of the patch means, dB',
      curves: runs.map(({ rows }) => gainSeries(rows)),
    },
    ...shownMeasures.map(({ key, title, percent = false }) => ({
      ...{ title, percent },
      curves: runs.map(({ rows }) => measureSeries(rows, key)),
    })),
  ];
}

function tableOf(runs: readonly ReportedRun[]): string[][] {
  const shown = shownMeasures.filter(({ key }) =>
    runs.some(({ rows }) => measureSeries(rows, key).length > 0),
  );
  const decibels = (run: ReportedRun, key: string) => seriesOf(run.rows, key).at(-1)?.y.toFixed(2) ?? '–';
  return [
    ['run', 'PSNR, dB', 'of means, dB', ...shown.map(({ title }) => title)],
    ...runs.map((run) => [
      run.name,
      decibels(run, 'psnr'),
      decibels(run, 'psnrOfMeans'),
      ...shown.map((measure) => lastOf(run, measure)),
    ]),
  ];
}

function lastOf({ rows }: ReportedRun, { key, percent }: ShownMeasure): string {
  const value = measureSeries(rows, key).at(-1)?.y;
  if (value === undefined) return '–';
  return percent ? `${(100 * value).toFixed(1)} %` : String(Number(value.toPrecision(4)));
}
