// Trains what `advise` proposes for four kinds of images, and prints a Markdown table: docs/advise.md, "Tried".
//
//   npm run build && node scripts/advise-trials.mjs [--budget 20m] [--only NAME]… [--photos FOLDER] [--nuclei SOURCE]
//     [--fashion FOLDER] [--output runs/advise-trials] [--table]
//
// cifar10 is fetched; fashion is Debian's dataset-fashion-mnist; photos and nuclei are skipped unless they are named or, nuclei, fetched
// (`data fetch nuclei`). Where images have classes, kNN judges features beside those of random weights and raw pixels, on the test images
// or on held-out ones. Elsewhere the held-out loss stands beside that of the patch means, which is that of a prediction of 0.
// Each trial is a run folder. Finished ones are not repeated, and interrupted ones resume.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseDuration } from '../dist/cli/options/time-budget.js';
import { parseConfig } from '../dist/config/schema.js';
import { evaluate } from '../dist/evaluate/evaluator.js';
import { heldOutScores } from '../dist/evaluate/held-out.js';
import { advise, BrokenImages, openDataset, packImages } from '../dist/exports/data.js';
import { mergeConfig } from '../dist/exports/study.js';
import { readMetrics, runFolder } from '../dist/exports/weights.js';
import { pretrain } from '../dist/index.js';
import { initialise } from '../dist/nn/init.js';
import { openData } from '../dist/run/data.js';
import { openEngine } from '../dist/run/engine.js';
import { readConfig } from '../dist/run/folder.js';
import { pretraining } from '../dist/run/kinds/pretrain.js';
import { setUp } from '../dist/run/setup-pretrain.js';

const { values: given } = parseArgs({
  options: {
    budget: { type: 'string', default: '20m' },
    only: { type: 'string', multiple: true },
    photos: { type: 'string' },
    nuclei: { type: 'string', default: 'nuclei' },
    fashion: { type: 'string', default: '/usr/share/datasets/fashion-mnist' },
    output: { type: 'string', default: 'runs/advise-trials' },
    table: { type: 'boolean', default: false }, // only existing runs
  },
});
const pack = join(given.output, 'photographs-packed');
const photographs = { source: `packed:${pack}` };
/** Images of each trial, and the weights that it starts with: random ones where none are named. */
const trials = {
  cifar10: { source: 'cifar10' },
  'fashion-mnist': { source: `idx:${given.fashion}` },
  ...(given.photos && {
    photographs,
    'photographs-from-micro-cifar10': { ...photographs, from: 'micro-cifar10' },
  }),
  nuclei: { source: given.nuclei },
};
const seconds = parseDuration('--budget', given.budget);
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
mkdirSync(given.output, { recursive: true });
if (given.photos) {
  // Large photographs are packed once, as the advice about them says.
  if (!existsSync(join(pack, 'index.json')))
    await packImages(await openDataset(given.photos), pack, {
      ...{ resize: 192, signal: stop.signal, broken: new BrokenImages() },
    });
}

/** The advised settings, kept beside the run so that it resumes with the same ones. */
async function settingsOf(name, source, initFrom) {
  const file = join(given.output, `${name}.json`);
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {}
  const engine = await openEngine(parseConfig({}).engine, { fast: true });
  const {
    settings,
    updates,
    seconds: expected,
    machine,
    notes,
  } = await advise(source, { seconds, engine, initFrom });
  const kept = { settings, updates, expected, rate: machine.how, notes };
  writeFileSync(file, `${JSON.stringify(kept, null, 2)}\n`);
  return kept;
}

/** Held-out loss of a prediction of 0: of normalised patches, their means. */
async function lossOfMeans(output) {
  const config = await readConfig(runFolder(output), pretraining);
  const setup = setUp(config);
  const { heldOut } = await openData(config);
  const { specs } = setup.programs(1);
  const state = initialise(specs, 0);
  for (const name of ['decoder_pred.weight', 'decoder_pred.bias']) state[name].fill(0);
  if (config.model.target === 'none') return undefined; // a prediction of 0 is then the mean of all images
  const engine = await openEngine(config.engine);
  const session = await engine.open(state);
  try {
    const { heldOutLoss: loss } = await evaluate(
      heldOutScores(setup, heldOut, { batchSize: Math.min(8, heldOut.length) }),
      session,
    );
    return loss;
  } finally {
    await session.dispose();
  }
}

/** The row of the weights that a run keeps: those with the lowest held-out loss where the advice says so, else the last. */
function keptRow(rows, { evaluation }) {
  if (evaluation?.best !== 'heldOutLoss') return rows.at(-1);
  return rows.reduce((best, row) => (row.heldOutLoss < best.heldOutLoss ? row : best), rows[0]);
}

const percent = (share) => (share === undefined ? '–' : (100 * share).toFixed(1));
const number = (value) => (value === undefined ? '–' : value.toFixed(3));
const rows = [];
for (const [name, { source, from }] of Object.entries(trials)) {
  if (given.only && !given.only.includes(name)) continue;
  const output = join(given.output, name);
  const { settings, updates, expected } = await settingsOf(name, source, from);
  const began = performance.now();
  if (!given.table) {
    console.error(`${name}: ${updates} updates, about ${Math.round(expected / 60)} min`);
    const run = { output, resume: true, signal: stop.signal };
    const { outcome } = await pretrain(mergeConfig({ data: { source }, from: from ?? '' }, settings), run);
    if (outcome === 'interrupted') process.exit(130);
  }
  const metrics = await readMetrics(runFolder(output));
  const judged = metrics.filter(({ knn }) => knn).map(({ knn }) => knn);
  const last = metrics.at(-1);
  const held = keptRow(
    metrics.filter(({ heldOutLoss }) => heldOutLoss !== undefined),
    settings,
  );
  const file = join(given.output, `${name}-measured.json`);
  const measured = given.table
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { minutes: (performance.now() - began) / 60_000, means: await lossOfMeans(output) };
  if (!given.table) writeFileSync(file, `${JSON.stringify(measured)}\n`);
  const { model, task = {}, training } = settings;
  rows.push([
    name,
    `${model.width} × ${model.depth}, ${model.image[0]} / ${model.patch}, ${model.channels} ch., mask ${task.maskRatio}`,
    `${last.step} × ${training.batchSize}`,
    measured.minutes.toFixed(1),
    ...['features', 'random', 'pixels'].map((key) =>
      percent((key === 'features' ? judged.at(-1) : judged[0])?.[key]),
    ),
    number(held?.heldOutLoss),
    number(measured.means ?? undefined),
    number(held?.psnr),
    number(held?.psnrOfMeans),
  ]);
}
const heads = [
  'images',
  'width × depth, pixels / patch',
  'updates × images',
  'minutes',
  'kNN',
  'random',
  'pixels',
  'held-out loss',
  'of the means',
  'PSNR',
  'of the means',
];
const lines = [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
writeFileSync(join(given.output, 'table.md'), `${lines}\n`);
console.log(lines);
process.exit(0);
