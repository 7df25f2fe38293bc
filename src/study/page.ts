import { short } from '../config/recipes.ts';
import { testSetOf } from '../data/sources/open.ts';
import type { Block } from '../report/page.ts';
import { summarise } from '../report/statistics.ts';
import { plural } from '../text/plural.ts';
import { agreements, answer, compare } from './analysis.ts';
import { type Budget, type Group, pretrainConfig, SCRATCH } from './arms.ts';
import { drawLosses, drawScores } from './figures.ts';
import { headConfig, headNames, heads, isHead } from './head-judges.ts';
import { measuresOf } from './judges.ts';
import type { StudyPlan } from './plan.ts';
import { type Records, type Score, scoresOf } from './results.ts';
import type { Study } from './schema.ts';
import { hundredths, share, signed, TITLES } from './table.ts';

/** The page of a study: what was asked, what came out, how sure it is, and what is not there yet. */
export function studyPage(study: Study, plan: StudyPlan, records: Records): Block[] {
  const scores = scoresOf(plan, records);
  return [
    ...status(plan, scores),
    ...primaryBlocks(study, scores),
    ...study.groups.flatMap((group) => groupBlocks(study, group, plan, records, scores)),
    ...agreementBlocks(study, scores),
    heading('How it was made'),
    list(methods(study, records, scores)),
  ];
}

function status({ cells }: StudyPlan, scores: readonly Score[]): Block[] {
  const missing = cells.filter(
    (cell) =>
      !scores.some((s) => s.piece === cell.piece && s.group === cell.group && s.budget === cell.budget),
  );
  if (missing.length === 0) return [paragraph(`No score is missing of ${cells.length}.`)];
  const seeds = new Map<string, number[]>();
  for (const { group, budget, judge, arm, seed } of missing) {
    const what = `${titleOf(group, budget)}: ${judge} of ${arm}`;
    seeds.set(what, [...(seeds.get(what) ?? []), seed]);
  }
  const items = [...seeds].map(
    ([what, own]) => `${what}, ${own.length > 1 ? 'seeds' : 'seed'} ${own.join(', ')}`,
  );
  return [
    paragraph(
      `Not finished: ${missing.length} of ${plural(cells.length, 'score')} missing. What follows is of the others alone.`,
    ),
    list(items),
  ];
}

function primaryBlocks(study: Study, scores: readonly Score[]): Block[] {
  const found = answer(study, scores);
  if (!found) return [];
  const { arms, judge, group, planned, difference, p } = found;
  const question = `How much better is ${arms[0]} than ${arms[1]}? Judge: ${judge}, ${group === '' ? '' : `group ${group}, `}${planned} paired ${planned === 1 ? 'seed' : 'seeds'}, Student’s t. It was asked before any score was seen.`;
  const blocks = [heading('The question'), paragraph(question)];
  if (!difference) return [...blocks, paragraph('Not finished: no pair of seeds is there yet.')];
  const { n, mean, interval } = difference;
  const early = `Not finished: ${n} of ${planned} pairs are there. What follows is preliminary: looking early makes chance findings likelier.`;
  const open = n < planned ? [paragraph(early)] : [];
  const points = `${signed(mean)} points (${n} ${n > 1 ? 'pairs' : 'pair'}`;
  if (interval === undefined)
    return [...blocks, ...open, paragraph(`${points}; one pair has no interval, so nothing is claimed).`)];
  const ends = `${signed(mean - interval)} to ${signed(mean + interval)}`;
  const claim =
    Math.abs(mean) <= interval
      ? 'The interval holds 0: no difference is shown.'
      : `The interval does not hold 0: ${arms[0]} is ${mean > 0 ? 'better' : 'worse'} here.`;
  return [
    ...blocks,
    ...open,
    paragraph(`${points}), 95 % interval ${ends}, p ${p! < 0.001 ? '' : '= '}${probability(p!)}. ${claim}`),
  ];
}

function groupBlocks(
  study: Study,
  group: Group,
  { cells, pieces }: StudyPlan,
  records: Records,
  scores: readonly Score[],
): Block[] {
  const losses = drawLosses(group, cells, records);
  const blocks = group.budgets.flatMap((budget): Block[] => {
    const own = scores.filter((score) => score.group === group.name && score.budget === budget);
    const title = heading(titleOf(group.name, budget));
    if (own.length === 0) return [title, paragraph('Not finished: no score is there yet.')];
    const drawing = drawScores(group, budget, scores)!;
    return [
      title,
      { kind: 'table', rows: scoreRows(group, own) },
      ...pixelsBlocks(own, records),
      ...comparisonBlocks(study, group, budget, scores),
      picture(
        `${slug(titleOf(group.name, budget))}.svg`,
        'Scores: mean with its 95 % interval (pooled spread), and every seed.',
        drawing,
      ),
      { kind: 'table', rows: costRows(group, own, pieces, records) },
    ];
  });
  if (!losses) return blocks;
  const caption =
    'Losses by epoch, means over seeds. Those of different tasks are not comparable: their targets differ.';
  return [...blocks, picture(`${slug(group.name || 'study')}-losses.svg`, caption, losses)];
}

/** Means and deviations; † where a model was trained again with other losses. */
function scoreRows(group: Group, own: readonly Score[]): string[][] {
  const judges = unique(own.map(({ judge }) => judge));
  const rows = group.arms.map(({ name }) => [
    name,
    ...judges.map((judge) => {
      const scored = own.filter((score) => score.arm === name && score.judge === judge);
      if (scored.length === 0) return '–';
      const mark = scored.some(({ retrained }) => retrained) ? ' †' : '';
      return `${share(summarise(scored.map(({ score }) => score)))}${mark}`;
    }),
  ]);
  return [[`${measuresOf(judges)}, %`, ...judges], ...rows];
}

function comparisonBlocks(study: Study, group: Group, budget: Budget, scores: readonly Score[]): Block[] {
  const found = compare(study, group, budget, scores);
  if (found.length === 0) return [];
  const rows = found.map(({ judge, arm, base, n, mean, interval, p, verdict }) => [
    `${arm} − ${base}`,
    judge,
    `${signed(mean)}${interval === undefined ? '' : ` ± ${hundredths(interval)}`} (${n})`,
    p === undefined ? '–' : probability(p),
    p === undefined ? 'no interval' : verdict,
  ]);
  return [
    paragraph(
      'Exploratory: differences in points, 95 % intervals from the spread of all arms, p after Holm.',
    ),
    { kind: 'table', rows: [['difference', 'judge', 'points', 'p', 'said'], ...rows] },
  ];
}

/** Raw pixels, which features must beat. */
function pixelsBlocks(own: readonly Score[], records: Records): Block[] {
  const all = own.flatMap(({ piece }) => {
    const knn = records.get(piece)?.scores.knn as { pixels?: unknown } | undefined;
    return typeof knn?.pixels === 'number' ? [knn.pixels] : [];
  });
  return all.length > 0 ? [paragraph(`kNN of raw pixels: ${hundredths(summarise(all).mean)} %.`)] : [];
}

/** Cost and result of pre-training: operations, seconds, losses of the last epoch. */
function costRows(
  group: Group,
  own: readonly Score[],
  pieces: StudyPlan['pieces'],
  records: Records,
): string[][] {
  const rows = group.arms.flatMap(({ name }) => {
    const scored = own.filter(({ arm }) => arm === name);
    const models = unique(scored.map(({ model }) => model));
    const known = models.flatMap((id) => records.get(id)?.scores ?? []);
    if (known.length === 0) return [];
    const { flops, updates } = pieces.find(({ id }) => id === models[0])!;
    const most = Math.max(...scored.map((score) => score.flops));
    const mean = (key: string, digits: number) => {
      const values = known.flatMap((scores) => (typeof scores[key] === 'number' ? scores[key] : []));
      return values.length > 0 ? summarise(values).mean.toFixed(digits) : '–';
    };
    return [
      [
        ...[name, String(updates), `${short(flops)}FLOP`, mean('seconds', 0), mean('loss', 4)],
        ...[mean('heldOutLoss', 4), `${short(most)}FLOP`],
      ],
    ];
  });
  const head = ['updates', 'operations', 'seconds', 'last loss', 'held-out loss', 'operations with judges'];
  return [['pre-training', ...head], ...rows];
}

function agreementBlocks(study: Study, scores: readonly Score[]): Block[] {
  const found = agreements(study, scores);
  if (found.length === 0) return [];
  const rows = found.map(({ reference, group, budget, judge, arms, seeds, rho, interval }) => [
    reference,
    titleOf(group, budget),
    judge,
    `${arms} × ${seeds}`,
    signed(rho / 100),
    interval ? `${signed(interval[0] / 100)} to ${signed(interval[1] / 100)}` : '–',
  ]);
  return [
    heading('Order of the arms'),
    paragraph(
      'Exploratory: Spearman’s rank correlation of mean scores with published scores; 95 % of 10,000 resamples of the seeds.',
    ),
    { kind: 'table', rows: [['published', 'group', 'judge', 'arms × seeds', 'ρ', '95 %'], ...rows] },
  ];
}

function methods({ groups }: Study, records: Records, scores: readonly Score[]): string[] {
  const engines = new Map<string, number>();
  for (const { scores } of records.values()) {
    if (scores.seconds === 0) continue; // nothing was computed
    const where = [scores.engine, scores.cpu].filter((part) => part !== undefined).join(' on ');
    engines.set(where, (engines.get(where) ?? 0) + 1);
  }
  const images = groups.flatMap(imagesOf);
  const again = scores.filter(({ retrained }) => retrained);
  return [
    ...unique(images),
    'A score is that of the last evaluation, in percent: mean ± standard deviation (n − 1) over the seeds (their number).',
    'Seeds are paired: with one seed all arms have the same images with labels and the same order of images.',
    'Pooled spread: the residual of a two-way table, arm + seed, by least squares. Holm’s adjustment takes all differences of a group and budget together.',
    'Equal compute: pre-training lasts for as many whole epochs as cost what those of the first pre-trained arm cost; fine-tuning from scratch gets that cost in additional epochs. Compute is counted in operations of matrix products.',
    ...[...engines].map(
      ([where, count]) =>
        `Computed by ${where || 'an unknown engine'}: ${count} ${count === 1 ? 'piece' : 'pieces'}.`,
    ),
    ...(again.length > 0
      ? [
          `† Judged on a model that was trained again, with losses that differ from the first time: ${unique(again.map(({ piece }) => piece)).join(', ')}.`,
        ]
      : []),
  ];
}

/** The images of a group: of pre-training, and of its judges. */
function imagesOf(group: Group): string[] {
  const sources = unique(
    group.arms.filter(({ task }) => task !== SCRATCH).map((arm) => pretrainConfig(group, arm, 0).data.source),
  );
  const { source, heldOut } = pretrainConfig(group, group.arms[0]!, 0).data;
  const judges = unique(group.arms.flatMap((arm) => arm.judges));
  const classified = !judges.every(isHead);
  const lines = classified
    ? [`Images: ${source}, judged on ${judgedOn(source, 'its test images', heldOut)}.`]
    : [`Images of pre-training: ${sources.join(', ')}.`];
  const headed = headNames
    .filter((name) => judges.includes(name))
    .map((name) => {
      const { source, test: given, heldOut } = headConfig(name, group, group.arms[0]!).data;
      const test = given === '' ? judgedOn(source, 'its val part', heldOut) : given;
      return `Images of ${heads[name].work}: ${source}, judged on ${test}.`;
    });
  return [...lines, ...headed];
}

function judgedOn(source: string, test: string, heldOut: number): string {
  return testSetOf(source) ? test : `${Number((100 * heldOut).toFixed(2))} % of them, held out of training`;
}

function titleOf(group: string, budget: Budget): string {
  return group === '' ? TITLES[budget] : `${group}: ${TITLES[budget].toLowerCase()}`;
}

function probability(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

const heading = (text: string): Block => ({ kind: 'heading', text });
const paragraph = (text: string): Block => ({ kind: 'paragraph', text });
const list = (items: readonly string[]): Block => ({ kind: 'list', items });
const picture = (name: string, caption: string, svg: string): Block => ({
  kind: 'picture',
  caption,
  picture: { name, type: 'image/svg+xml', data: Buffer.from(svg) },
});

function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}
