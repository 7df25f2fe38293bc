import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FetchOptions } from '../data/sources/cifar10-fetch.ts';
import { labelledShare } from '../data/sources/labelled-share.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { openData } from '../run/data.ts';
import { RunError } from '../run/error.ts';
import { type ImageCounts, planStudy, type StudyPlan } from './pieces.ts';
import { readScores, type StudyResults, summariseStudy } from './results.ts';
import { pieceRunner } from './run-piece.ts';
import { type RunPiece, runPieces, type StudyEvent } from './runner.ts';
import { pretrainConfig, type Study } from './schema.ts';
import { studyTables } from './table.ts';

export interface StudyOptions {
  /** Folder of the study: its runs, `results.json` and `results.md`. */
  readonly output: string;
  readonly onEvent?: (event: StudyEvent) => void;
  /**
   * Ends the study: a run that goes on is saved, and the same call goes on from there. While images are fetched, the call
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
}

/**
 * Runs what a study lacks, piece by piece, and tabulates it from the files of its runs. What is finished is not run again,
 * what was interrupted goes on from its checkpoint; arms, seeds and judges may be added to a study.
 * Throws what the pieces' calls throw, with the piece's name; the signal's reason while images are opened; RunError when settings of
 * finished pieces changed or images have no classes.
 */
export async function runStudy(study: Study, options: StudyOptions): Promise<StudyResult> {
  const { output, signal, onEvent = () => {} } = options;
  const plan = await openPlan(study, {
    onProgress: (progress) => onEvent({ type: 'fetch', progress }),
    ...(signal && { signal }),
  });
  await mkdir(output, { recursive: true });
  const runPiece = options.runPiece ?? pieceRunner(onEvent, signal);
  const outcome = await runPieces(plan.pieces, output, runPiece, { onEvent, ...(signal && { signal }) });
  return { outcome, ...(await tabulateStudy(plan, output)) };
}

/** What a study consists of, on its images, which are fetched if need be. Throws DataError when they cannot be used, RunError without classes. */
export async function openPlan(study: Study, options: FetchOptions = {}): Promise<StudyPlan> {
  const counts = new Map<number, ImageCounts>();
  for (const seed of study.seeds) {
    const { train } = await openData(pretrainConfig(study, study.arms[0]!, seed), options);
    if (!train.classes)
      throw new RunError(
        `a study needs images with classes: cifar10, classes:FOLDER or packed:FOLDER, got ${train.name}`,
      );
    counts.set(seed, {
      train: train.length,
      classes: train.classes.length,
      labelled: (share) => labelledShare(train, share, seed).length,
    });
  }
  return planStudy(study, (seed) => counts.get(seed)!);
}

/** Tabulates what is finished, and writes `results.json` and `results.md`. */
export async function tabulateStudy(
  plan: StudyPlan,
  output: string,
): Promise<Pick<StudyResult, 'results' | 'tables'>> {
  const results = summariseStudy(plan, await readScores(plan, output));
  const tables = studyTables(results);
  await writeFileAtomic(join(output, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  await writeFileAtomic(join(output, 'results.md'), tables);
  return { results, tables };
}
