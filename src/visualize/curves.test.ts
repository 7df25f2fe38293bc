import sharp from 'sharp';
import { expect, test } from 'vitest';
import { svgToPng } from '../../tests/support/svg-to-png.ts';
import { renderCurves } from './curves.ts';
import type { MetricsRow } from './series.ts';

function run(steps: number): MetricsRow[] {
  return Array.from({ length: steps }, (_, step) => ({
    step,
    epoch: Math.floor(step / 10),
    loss: 1 / (1 + step / 100),
    centre: 0.5,
    lr: 1e-4,
    gradientNorm: 1 + Math.sin(step),
    imagesPerSecond: 500,
    ...(step % 10 === 9 ? { heldOutLoss: 0.9 } : {}),
  }));
}
const count = (svg: string, piece: string) => svg.split(piece).length - 1;

test('draws a panel for each kind of value, with a legend and a summary', () => {
  const svg = renderCurves(run(100), { title: 'micro <masked> & "zoomed-in"' });
  for (const title of ['Loss', 'Parts of the loss', 'Learning rate', 'Gradient norm', 'Images per second'])
    expect(count(svg, `>${title}</text>`)).toBe(1);
  for (const label of ['training, each step', 'training, smoothed', 'held-out', 'centre'])
    expect(svg).toContain(`>${label}</text>`);
  expect(svg).toContain('micro &lt;masked&gt; &amp; &quot;zoomed-in&quot;');
  expect(svg).toContain('step 99  ·  epoch 9  ·  loss 0.5051');
  expect(count(svg, '<circle')).toBe(10);
});

test.each<[string, MetricsRow[]]>([
  ['no rows', []],
  ['one row', run(1)],
  ['two equal rows', [...run(1), ...run(1)]],
  [
    'only broken losses',
    [
      { step: 0, loss: Number.NaN },
      { step: 1, loss: null },
    ],
  ],
  ['zeros', [{ step: 5, loss: 0, lr: 0 }]],
  [
    'negative and huge values',
    [
      { step: 0, loss: -1e300 },
      { step: 1e9, loss: 1e300, gradientNorm: 1e-300 },
    ],
  ],
  ['a loss too near to zero for ticks', [{ step: 0, loss: -3e-323 }]],
  [
    'losses too far apart for ticks',
    [
      { step: 0, loss: -1.7e308 },
      { step: 1, loss: 1.7e308 },
    ],
  ],
  ['a step that is no number', [{ step: Number.NaN, loss: 1 }]],
  ['long runs', run(20_000)],
])('copes with %s', async (_, rows) => {
  const svg = renderCurves(rows, { title: 'run' });
  expect(svg).not.toMatch(/NaN|Infinity|undefined|null/);
  expect(svg.length).toBeLessThan(150_000);
  const { width, height } = await sharp(Buffer.from(svg)).metadata();
  expect(width).toBe(960);
  expect(height).toBeGreaterThan(350);
});

test('steps whose loss is not finite are marked', () => {
  const svg = renderCurves([...run(30), { step: 30, loss: null }], { title: 'run' });
  expect(svg).toContain('loss not finite');
  expect(count(svg, 'm0 -6')).toBe(1);
  expect(renderCurves(run(30), { title: 'run' })).not.toContain('loss not finite');
});

test('scores that are measured now and then have a separate panel', () => {
  const rows = run(30).map((row, i) => (i % 10 === 9 ? { ...row, spread: 0.1 * i } : row));
  const svg = renderCurves(rows, { title: 'run' });
  for (const title of ['Parts of the loss', 'Other scores', 'spread']) expect(svg).toContain(`>${title}<`);
  expect(renderCurves(run(30), { title: 'run' })).not.toContain('Other scores');
});

test('PSNR and measures without labels have separate panels', () => {
  const rows = run(30).map((row, i) =>
    i % 10 === 9 ? { ...row, psnr: 20 + i, psnrOfMeans: 19, panel: { rankMe: i, deadDirections: 0.1 } } : row,
  );
  const svg = renderCurves(rows, { title: 'run' });
  for (const title of ['PSNR of held-out images, dB', 'patch means alone', 'RankMe', 'dead directions'])
    expect(svg).toContain(`>${title}<`);
  expect(svg).not.toContain('Other scores');
  expect(renderCurves(run(30), { title: 'run' })).not.toContain('RankMe');
});

test('the PNG shows text', async () => {
  const image = sharp(await svgToPng(renderCurves([], { title: 'WWWWWWWW' })));
  const { width } = await image.metadata();
  expect(width).toBe(1920);
  const title = await image
    .extract({ left: 0, top: 20, width: 400, height: 40 })
    .removeAlpha()
    .raw()
    .toBuffer();
  expect(title.filter((value) => value < 100).length).toBeGreaterThan(1000);
});

test('kNN and the brief linear probe stand among the accuracies, all in percent', () => {
  const knn = (features: number, linear?: number) => ({
    knn: { features, train: 54, test: 6, linear: { features: linear } },
  });
  const rows = [
    { step: 0, ...knn(0, 0.25) },
    { step: 1, loss: 1 },
    { step: 2, loss: 0.9, ...knn(1 / 6, 1 / 3) },
  ];
  const svg = renderCurves(rows, { title: 'run' });
  expect(svg).toContain('>Accuracy</text>');
  expect(svg).toContain('>kNN top-1</text>');
  expect(svg).toContain('kNN top-1 16.7 %');
  expect(svg).toContain('>brief linear top-1</text>');
  expect(svg).toContain('brief linear top-1 33.3 %');
  expect(svg).toMatch(/class="tick">\d+ %<\/text>/);
  const zero = renderCurves([{ step: 3, loss: 1, top1: 0 }], { title: 'run' });
  expect(zero).toContain('top-1 0.0 %');
  const all = renderCurves(
    [
      { step: 3, top1: 1 },
      { step: 4, top1: 1 },
    ],
    { title: 'run' },
  );
  expect(all).not.toMatch(/>1[1-9]\d* %|>10[1-9]/); // no axis goes beyond everything
});
