// Tries settings for the first run at equal compute, and prints a Markdown table: `docs/reproduction.md`, "The first
// run".
//
//   npm run build && node scripts/first-run.mjs [--budget 1] [--only NAME]… [--seeds 1] [--engine onednn]
// [--precision bf16]
//
// first-run.json lists the tries. All are judged on 2,000 held-out training images, so that no choice depends on the
// test
// images. Budget 1 is the compute of the baseline in four minutes on two idle cores (onnxruntime, 490 img/s).
// Finished runs
// are not repeated; Ctrl-C or a crash loses no finished run.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stepFlops } from '../dist/config/cost.js';
import { mergeConfig, resolveConfig } from '../dist/exports/study.js';
import { readMetrics, runFolder } from '../dist/exports/weights.js';
import { pretrain } from '../dist/index.js';

const { values: given } = parseArgs({
  options: {
    budget: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true },
    seeds: { type: 'string', default: '1' },
    engine: { type: 'string', default: 'onnx' },
    precision: { type: 'string', default: 'f32' },
    output: { type: 'string', default: 'runs/first-run' },
    table: { type: 'boolean', default: false }, // only existing runs
  },
});
const { shared, tries } = JSON.parse(readFileSync(new URL('first-run.json', import.meta.url), 'utf8'));
const BASELINE_VIEWS = 240 * 490;
const HELD_OUT_IMAGES = 2000;
const VOTERS = 10_000; // evaluation.knnTrain
const WARM_UP = 0.1; // of all updates

const flopsOf = (settings) => stepFlops(resolveConfig(settings));
const budget = Number(given.budget) * BASELINE_VIEWS * flopsOf(shared);

/** A whole number of epochs, with as many images as use up the budget. */
function withinBudget(settings) {
  const views = budget / flopsOf(settings);
  const most = settings.data.trainImages ?? 50_000 - HELD_OUT_IMAGES;
  const epochs = Math.ceil(views / most);
  const trainImages = Math.floor(views / epochs);
  if (trainImages < VOTERS) {
    console.error(`a try must see the ${VOTERS} images of the kNN bank, got ${trainImages}: raise --budget`);
    process.exit(2);
  }
  return mergeConfig(settings, {
    data: { trainImages },
    training: { epochs, warmupEpochs: WARM_UP * epochs },
  });
}

const percent = (share) => (share === undefined ? '–' : (100 * share).toFixed(1));
const rows = [];
const names = given.only ?? Object.keys(tries);
for (const name of names)
  for (let seed = 0; seed < Number(given.seeds); seed++) {
    const settings = withinBudget(mergeConfig(shared, tries[name], { seed }));
    const engine = { name: given.engine, precision: given.precision };
    const folder = `${name}, budget ${given.budget}, seed ${seed}`.replaceAll(/[^\w.]+/g, '-');
    const output = join(given.output, folder);
    const { trainImages } = settings.data;
    const { epochs, batchSize } = settings.training;
    if (!given.table) {
      console.error(`${name}, seed ${seed}: ${epochs} × ${trainImages} images`);
      await pretrain(mergeConfig(settings, { engine }), { output, resume: true });
    }
    const measured = (await readMetrics(runFolder(output))).filter(({ knn }) => knn);
    const [before, last] = [measured[0]?.knn, measured.at(-1)?.knn];
    if (measured.length < 2) continue;
    const updates = epochs * Math.floor(trainImages / batchSize);
    const scores = (of, key) => `${percent(of[key])} | ${percent(of.linear?.[key])}`;
    rows.push(
      `| ${name} | ${seed} | ${updates} × ${batchSize} | ${scores(last, 'features')} | ${scores(before, 'random')} | ${scores(before, 'pixels')} |`,
    );
  }
console.log(
  [
    '| try | seed | updates × images | kNN | linear | random: kNN | linear | pixels: kNN | linear |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows,
  ].join('\n'),
);
process.exit(0);
