import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fewImages } from '../evaluate/interval.ts';
import { RunError } from '../run/error.ts';
import { recordedKinds } from '../run/kinds/table.ts';
import { reportCurves } from './curves.ts';
import { labelFreeBlocks } from './label-free.ts';
import { differencesTable, overviewTable } from './overview.ts';
import type { Block } from './page.ts';
import { resultsOf } from './results.ts';
import { type ReportedRun, readRuns, type UnreadableRun } from './run.ts';
import { BRIEF } from './scores.ts';
import { requirePage, writePage } from './write-page.ts';

export interface ReportOptions {
  /** The page: `.html` (one file with everything in it) or `.md` (pictures in a folder beside it). */
  readonly output: string;
  readonly title?: string | undefined;
}

export interface ReportResult {
  /** The page, and the pictures of a Markdown page. */
  readonly files: readonly string[];
  /** Folders that are no runs, or broken ones: the page says so too. */
  readonly unreadable: readonly UnreadableRun[];
}

/**
 * Makes a page of the folders of runs: a table of scores for each data set that judged, the runs, settings in which they differ, curves over
 * each other, and the newest pictures. Running runs may be reported.
 * Throws RunError for another kind of page or when no folder can be read, or the system's error.
 */
export async function report(
  paths: readonly string[],
  { output, title = 'Runs' }: ReportOptions,
): Promise<ReportResult> {
  await requirePage(output);
  const { runs, unreadable } = await readRuns(paths);
  if (runs.length === 0)
    throw new RunError(
      `a report needs a run that can be read, got none: ${unreadable.map(({ path, reason }) => `${path}: ${reason}`).join('; ')}`,
    );
  const blocks = await makeBlocks(runs, unreadable);
  return { files: await writePage(output, title, blocks), unreadable };
}

async function makeBlocks(
  runs: readonly ReportedRun[],
  unreadable: readonly UnreadableRun[],
): Promise<Block[]> {
  const results = resultsOf(runs);
  const blocks: Block[] = results.flatMap(({ name, table, scores, fewest }): Block[] => [
    { kind: 'heading', text: `What was learned: ${name}` },
    { kind: 'table', rows: table },
    {
      kind: 'paragraph',
      text: [RESULTS_NOTE, table[0]!.includes(BRIEF) && BRIEF_NOTE, fewest && fewImages(fewest) && FEW_NOTE]
        .filter((note) => note)
        .join(' '),
    },
    { kind: 'paragraph', text: 'Every score, with where it comes from:' },
    { kind: 'table', rows: scores },
  ]);
  if (results.length === 0)
    blocks.push(
      { kind: 'heading', text: 'What was learned' },
      {
        kind: 'paragraph',
        text: 'No run has been judged yet (kNN, linear probe, fine-tuning, segmentation).',
      },
    );
  blocks.push({ kind: 'heading', text: 'Runs' }, { kind: 'table', rows: overviewTable(runs) });
  if (unreadable.length > 0)
    blocks.push(
      { kind: 'paragraph', text: 'Not reported:' },
      { kind: 'list', items: unreadable.map(({ path, reason }) => `${path}: ${reason}`) },
    );
  for (const kind of recordedKinds) {
    const rows = differencesTable(runs.filter((run) => run.kind === kind));
    if (rows)
      blocks.push({ kind: 'heading', text: `Settings that differ: ${kind.title}` }, { kind: 'table', rows });
  }
  const curves = {
    name: 'curves.svg',
    type: 'image/svg+xml',
    data: Buffer.from(reportCurves(runs)),
  } as const;
  blocks.push(
    { kind: 'heading', text: 'Curves' },
    { kind: 'picture', caption: CURVES_NOTE, picture: curves },
  );
  blocks.push(...labelFreeBlocks(runs));
  blocks.push(...(await pictures(runs, 'reconstructions', 'Reconstructions')));
  blocks.push(...(await pictures(runs, 'predictions', 'Segmentation')));
  return blocks;
}

const RESULTS_NOTE =
  'Scores of the last evaluation of each run, not of the best one. A cell of several runs holds their mean and standard deviation.';
const BRIEF_NOTE =
  'Brief linear: the probe that a run trains beside its kNN, in seconds; linear is the full one of linprobe.';
const FEW_NOTE =
  "Brackets hold the 95 % interval (Wilson's) of scores of fewer than 1,000 images: overlapping intervals leave open which is better.";
const CURVES_NOTE = 'Curves by step. Losses of different tasks are not comparable: their targets differ.';

/** The newest pictures of all runs, under a heading. */
async function pictures(
  runs: readonly ReportedRun[],
  kind: 'reconstructions' | 'predictions',
  heading: string,
): Promise<Block[]> {
  const drawn = runs.filter((run) => run[kind] !== undefined);
  if (drawn.length === 0) return [];
  const blocks = drawn.map(async (run, i): Promise<Block> => {
    const path = run[kind]!;
    const step = Number(/\d+/.exec(basename(path))?.[0]);
    const data = await readFile(path);
    const picture = { name: `${kind}-${i + 1}.png`, type: 'image/png', data } as const;
    return { kind: 'picture', caption: `${run.name}, step ${step}`, picture };
  });
  return [{ kind: 'heading', text: heading }, ...(await Promise.all(blocks))];
}
