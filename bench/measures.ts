/**
 * Which label-free measure predicts how good a model will be: measures the models of a study, and correlates them with the scores of its
 * judges by rank.
 *
 *   npm run bench -- measures STUDY/runs
 *   npm run bench -- measures STUDY/runs --keep studies/kept/cifar10-measures.json --segmented studies/kept/nuclei-segment
 *   npm run bench -- measures --keep studies/kept/cifar10-measures.json --only 11ep
 *
 * A model is a run of pre-training with at least one update, or one of its checkpoints; its judges are the runs that started from it. Intervals
 * come from resampling seeds, all models of a seed together. The correlations over a run's checkpoints, its last weights among them, stand
 * beside each other, a run each. Of measures where lower is said to be better, the sign is left as it is. --keep adds the models to a file, and
 * counts those in it; without a folder, those alone. --only counts models whose name has this text. --segmented adds the mIoU of segmenters
 * that a kept study trained from the same models.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { evaluate } from '#dist/evaluate/evaluator.js';
import { heldOutScores } from '#dist/evaluate/held-out.js';
import { labelFreePanel } from '#dist/evaluate/panel/panel.js';
import { markdownTable } from '#dist/report/page.js';
import { correlationOverSeeds, spearman } from '#dist/report/ranks.js';
import { readRuns } from '#dist/report/run.js';
import { scoresOf } from '#dist/report/scores.js';
import { readCheckpoint } from '#dist/run/checkpoint.js';
import { openData, sample } from '#dist/run/data.js';
import { openEngine } from '#dist/run/engine.js';
import { findCheckpoint } from '#dist/run/folder.js';
import { setUp } from '#dist/run/setup-pretrain.js';
import { readJson } from '#dist/study/keep.js';
import { absent } from '#dist/study/record.js';

const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    images: { type: 'string', default: '1000' },
    engine: { type: 'string', default: 'auto' },
    keep: { type: 'string' },
    only: { type: 'string', default: '' },
    segmented: { type: 'string' },
  },
});
const [folder] = positionals;
if (folder === undefined && args.keep === undefined)
  throw new Error('name the folder of the runs of a study, or the file of --keep');
const names = folder === undefined ? [] : (await readdir(folder)).sort();
const { runs } = await readRuns(names.map((name) => join(folder!, name)));

interface Model {
  readonly name: string;
  /** The run, where the model is one of its checkpoints. */
  readonly checkpointOf?: string;
  readonly seed: number;
  readonly measures: Readonly<Record<string, number>>;
  readonly scores: Readonly<Record<string, number>>;
}

const found = new Map<string, Model>();
if (args.keep !== undefined) {
  const kept = await readFile(args.keep, 'utf8').catch(absent('[]'));
  for (const model of JSON.parse(kept) as Model[]) found.set(model.name, model);
}
for (const run of runs.filter(({ kind }) => kind.role === 'pretrain')) {
  const inside = join(run.absolute, 'checkpoints') + sep;
  const judged = runs.filter(
    ({ from }) => from !== undefined && (from === run.absolute || from.startsWith(inside)),
  );
  for (const from of new Set(judged.map((judge) => judge.from!))) {
    const isCheckpoint = from !== run.absolute;
    const name = isCheckpoint ? `${run.name}, ${basename(from, '.safetensors')}` : run.name;
    const scores = Object.fromEntries(
      judged
        .filter((judge) => judge.from === from)
        .flatMap((judge) => scoresOf(judge).map(({ column, value }) => [column, value] as const)),
    );
    if (Object.keys(scores).length === 0) continue;
    const known = found.get(name);
    const measures = known?.measures ?? (await measured(await findCheckpoint(from)));
    if (!measures) continue;
    console.error(name);
    found.set(name, {
      ...{ name, seed: Number(run.settings.get('seed')), measures, scores: { ...known?.scores, ...scores } },
      ...(isCheckpoint && { checkpointOf: run.name }),
    });
  }
}
if (args.segmented !== undefined) await addSegmented(args.segmented);
const all = [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
if (args.keep !== undefined) await writeFile(args.keep, `${JSON.stringify(all, null, 1)}\n`);
const models = all.filter(({ name }) => name.includes(args.only));
const whole = models.filter(({ checkpointOf }) => checkpointOf === undefined);
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
printCorrelations(`Spearman's correlation over ${whole.length} models, 95 % interval over seeds`, overSeeds);
printCorrelations("Spearman's correlation over the checkpoints of each run", overCheckpoints);

function printCorrelations(title: string, of: (measure: string, judge: string) => string): void {
  const rows = measures.map((measure) => [measure, ...judges.map((judge) => of(measure, judge))]);
  if (rows.every(([, ...cells]) => cells.every((cell) => cell === '–'))) return;
  console.log(`\n${title}:\n\n${markdownTable([['measure', ...judges], ...rows])}`);
}

/** Adds the scores of segmenters in the kept files of a study. */
async function addSegmented(kept: string): Promise<void> {
  for (const entry of await readdir(kept, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const read = <T>(file: string) => readJson<T>(join(kept, entry.name, file));
    const config = await read<{ piece: { kind: string; from?: string } }>('config.json');
    const model = config?.piece.kind === 'segment' ? found.get(config.piece.from ?? '') : undefined;
    const { mIoU } = (await read<{ mIoU?: number }>('scores.json')) ?? {};
    if (model && mIoU !== undefined)
      found.set(model.name, { ...model, scores: { ...model.scores, 'nuclei, mIoU': mIoU } });
  }
}

/** Pairs of a measure and a score, of the models that have both. */
function pairs(of: readonly Model[], measure: string, judge: string) {
  const both = of.filter((model) => measure in model.measures && judge in model.scores);
  return both.map(({ seed, measures, scores }) => ({ seed, a: measures[measure]!, b: scores[judge]! }));
}

function overSeeds(measure: string, judge: string): string {
  const both = pairs(whole, measure, judge);
  const correlation = correlationOverSeeds(both);
  if (!correlation) return '–';
  const { rho, interval } = correlation;
  const spread = interval ? ` [${interval.map((x) => x.toFixed(2)).join(', ')}]` : '';
  return `${rho.toFixed(2)}${spread} (${both.length})`;
}

function overCheckpoints(measure: string, judge: string): string {
  const runs = new Set(models.map(({ checkpointOf }) => checkpointOf).filter((run) => run !== undefined));
  const each = [...runs].map((run) => {
    const own = models.filter(({ checkpointOf, name }) => checkpointOf === run || name === run); // the run: its last
    const both = pairs(own, measure, judge);
    return spearman(
      both.map(({ a }) => a),
      both.map(({ b }) => b),
    );
  });
  return each.map((rho) => rho?.toFixed(2) ?? '–').join(', ') || '–';
}

/** The measures of a checkpoint; undefined for weights that were not trained. */
async function measured(checkpoint: string): Promise<Record<string, number> | undefined> {
  const { config: own, state, progress } = await readCheckpoint(checkpoint);
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
