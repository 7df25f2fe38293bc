/**
 * Which label-free measure predicts how good a model will be: measures the final weights of the models of a study, and correlates them with
 * the scores of its judges by rank.
 *
 *   npm run bench -- measures STUDY/runs
 *
 * A model is a run of pre-training with at least one update; its judges are the runs that started from it. Intervals come from resampling seeds, all
 * models of a seed together. Of measures where lower is said to be better, the sign is left as it is.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { evaluate } from '#dist/evaluate/evaluator.js';
import { heldOutScores } from '#dist/evaluate/held-out.js';
import { labelFreePanel } from '#dist/evaluate/panel/panel.js';
import { markdownTable } from '#dist/report/page.js';
import { correlationOverSeeds } from '#dist/report/ranks.js';
import { type ReportedRun, readRuns } from '#dist/report/run.js';
import { scoresOf } from '#dist/report/scores.js';
import { readCheckpoint } from '#dist/run/checkpoint.js';
import { openData, sample } from '#dist/run/data.js';
import { openEngine } from '#dist/run/engine.js';
import { findCheckpoint } from '#dist/run/folder.js';
import { setUp } from '#dist/run/setup-pretrain.js';

const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: { images: { type: 'string', default: '1000' }, engine: { type: 'string', default: 'auto' } },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('name the folder of the runs of a study');
const { runs } = await readRuns((await readdir(folder)).sort().map((name) => join(folder, name)));

interface Model {
  readonly name: string;
  readonly seed: number;
  readonly measures: Readonly<Record<string, number>>;
  readonly scores: Readonly<Record<string, number>>;
}

const models: Model[] = [];
for (const run of runs.filter(({ kind }) => kind.role === 'pretrain')) {
  const judged = runs.filter(({ from }) => from === run.absolute);
  const scores = Object.fromEntries(
    judged.flatMap((judge) => scoresOf(judge).map(({ column, value }) => [column, value] as const)),
  );
  if (Object.keys(scores).length === 0) continue;
  const measures = await measured(run);
  if (measures) models.push({ name: run.name, seed: Number(run.settings.get('seed')), measures, scores });
}
const keys = (of: 'measures' | 'scores') => [...new Set(models.flatMap((model) => Object.keys(model[of])))];
const [measures, judges] = [keys('measures'), keys('scores')];
const text = (value: number | undefined) =>
  value === undefined ? '–' : String(Number(value.toPrecision(4)));
console.log(
  markdownTable([
    ['model', ...measures, ...judges],
    ...models.map((model) => [
      model.name,
      ...measures.map((key) => text(model.measures[key])),
      ...judges.map((key) => (key in model.scores ? (100 * model.scores[key]!).toFixed(2) : '–')),
    ]),
  ]),
);
console.log(`\nSpearman's correlation over ${models.length} models, 95 % interval over seeds:\n`);
console.log(
  markdownTable([
    ['measure', ...judges],
    ...measures.map((measure) => [measure, ...judges.map((judge) => correlation(measure, judge))]),
  ]),
);

function correlation(measure: string, judge: string): string {
  const both = models.filter((model) => measure in model.measures && judge in model.scores);
  const found = correlationOverSeeds(
    both.map(({ seed, measures, scores }) => ({ seed, a: measures[measure]!, b: scores[judge]! })),
  );
  if (!found) return '–';
  const interval = found.interval ? ` [${found.interval.map((x) => x.toFixed(2)).join(', ')}]` : '';
  return `${found.rho.toFixed(2)}${interval} (${both.length})`;
}

/** The measures of a run's newest weights; undefined for weights that were not trained. */
async function measured(run: ReportedRun): Promise<Record<string, number> | undefined> {
  const { config: own, state, progress } = await readCheckpoint(await findCheckpoint(run.path));
  if (progress.step === 0) return undefined;
  const config = {
    ...own,
    evaluation: { ...own.evaluation, panelImages: Number(args.images), heldOutImages: 2048 },
    engine: { name: args.engine } as typeof own.engine,
  };
  const setup = setUp(config);
  const data = await openData(config);
  const engine = await openEngine(config.engine);
  const session = await engine.open(
    Object.fromEntries(Object.entries(state).filter(([name]) => !name.includes(':'))),
  );
  try {
    const { images: _, ...panel } = await labelFreePanel(engine, setup, data)!.measure(session, {
      views: true,
    });
    const heldOut =
      data.heldOut && sample(data.heldOut, config.evaluation.heldOutImages, config.seed, 'held-out');
    const { psnr, psnrOfMeans, heldOutLoss } = heldOut
      ? await evaluate(heldOutScores(setup, heldOut, { batchSize: Math.min(256, heldOut.length) }), session)
      : {};
    console.error(run.name);
    return {
      ...renamed(panel as Record<string, number>),
      ...(heldOutLoss !== undefined && { heldOutLoss }),
      ...(psnr !== undefined && { psnrGain: psnr - psnrOfMeans! }),
    };
  } finally {
    await session.dispose();
  }
}

/** A judge is called `linear` too. */
function renamed({ linear, ...measures }: Record<string, number>): Record<string, number> {
  return { ...measures, ...(linear !== undefined && { 'linear, leave-one-out': linear }) };
}
