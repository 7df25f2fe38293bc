import { join } from 'node:path';
import { writeFilesAtomic } from '../io/atomic.ts';
import { makeFolder } from '../io/make-folder.ts';
import { writePage } from '../report/write-page.ts';
import { Listener } from '../run/listener.ts';
import { type Remainder, remainder } from './estimate.ts';
import { openPlan } from './images.ts';
import { studyPage } from './page.ts';
import type { Places } from './places.ts';
import type { StudyPlan } from './plan.ts';
import { readRecords, type StudyResults, scoresOf, summariseStudy } from './results.ts';
import { pieceRunner } from './run-piece.ts';
import { type RunPiece, runPieces, type StudyEvent } from './runner.ts';
import type { Study } from './schema.ts';
import { studyTables } from './table.ts';

export interface StudyOptions {
  /** Folder of the study: its runs, `results.json` and `results.md`. */
  readonly output: string;
  /**
   * Folder for what is kept of each finished piece: `config.json`, `scores.json`, `metrics.jsonl` by epoch. A piece that is there counts
   * as finished, on any machine.
   */
  readonly keep?: string | undefined;
  readonly onEvent?: (event: StudyEvent) => unknown;
  /**
   * Ends the study: the running piece is saved, and the same call resumes it. While images are fetched, the call
   * rejects with its reason.
   */
  readonly signal?: AbortSignal;
  /** Runs a piece, in place of the library's calls. */
  readonly runPiece?: RunPiece;
}

export interface StudyResult {
  readonly outcome: 'finished' | 'interrupted';
  readonly results: StudyResults;
  /** The tables as Markdown. */
  readonly tables: string;
  /** How far the study is, and how long the rest will take. */
  readonly left: Remainder;
}

/**
 * Runs the missing pieces of a study one by one, and tabulates the study from the files of its runs. Finished pieces are not run
 * again, an interrupted one resumes from its checkpoint; arms, seeds and judges may be added to a study.
 * Throws what the pieces' calls throw, with the piece's name; the signal's reason while images are opened; RunError when settings of
 * finished pieces changed or images have no classes.
 */
export async function runStudy(study: Study, options: StudyOptions): Promise<StudyResult> {
  const { output, keep } = options;
  const listener = new Listener(options.onEvent, options.signal);
  const { signal, emit: onEvent } = listener;
  const plan = await openPlan(study, {
    onProgress: (progress) => onEvent({ type: 'fetch', progress }),
    ...{ keep, signal },
  });
  await makeFolder(output);
  const places = { output, keep };
  const runPiece = options.runPiece ?? pieceRunner(onEvent, signal);
  const outcome = await runPieces(plan.pieces, places, runPiece, { onEvent, signal });
  const result = { outcome, ...(await tabulateStudy(plan, places)), left: await remainder(plan, places) };
  await listener.done();
  return result;
}

/** Tabulates what is finished, and writes `results.json` and `results.md`. */
export async function tabulateStudy(
  plan: StudyPlan,
  places: Places,
): Promise<Pick<StudyResult, 'results' | 'tables'>> {
  const results = summariseStudy(plan, scoresOf(plan, await readRecords(plan, places)));
  const tables = studyTables(results);
  await writeFilesAtomic([
    [join(places.output, 'results.json'), `${JSON.stringify(results, null, 2)}\n`],
    [join(places.output, 'results.md'), tables],
  ]);
  return { results, tables };
}

/**
 * Makes the page of a study, `.html` or `.md` with pictures beside it, from the kept files (or else from its output). Returns the files.
 */
export async function writeStudyPage(
  study: Study,
  plan: StudyPlan,
  places: Places,
  page: string,
): Promise<string[]> {
  const records = await readRecords(plan, places);
  return writePage(page, study.title ?? 'Study', studyPage(study, plan, records));
}
