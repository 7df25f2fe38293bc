import { stat } from 'node:fs/promises';
import { RunError } from '../../run/error.ts';
import { findCheckpoint, listCheckpoints, runFolder } from '../../run/folder.ts';
import { stepOf } from '../../run/run-files.ts';
import { KnnFolder, type KnnReport } from './knn-folder.ts';
import { type KnnReportOptions, knn, settingsOf } from './knn-report.ts';

/** The kNN report of a checkpoint. */
export interface CheckpointReport extends KnnReport {
  readonly step: number;
}

/**
 * The kNN reports of all checkpoints of a run, the oldest first: see `knn`. A folder of `output` holds all of them, and `report` draws their
 * curve. Throws RunError for a path without checkpoints.
 */
export async function knnOfCheckpoints(
  path: string,
  { output, ...options }: KnnReportOptions = {},
): Promise<CheckpointReport[]> {
  const settings = { checkpoints: true, ...settingsOf(options) };
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory();
  if (!isFolder)
    throw new RunError(
      `the checkpoints of a run (--checkpoints) need its folder, got ${path}: name the folder, or leave --checkpoints out`,
    );
  await findCheckpoint(path);
  const folder = output === undefined ? undefined : await KnnFolder.open(output, path, settings);
  const found = await listCheckpoints(runFolder(path));
  const reports: CheckpointReport[] = [];
  for (const [i, checkpoint] of found.entries()) {
    const step = stepOf(checkpoint);
    const onProgress = (what: string, done: number, total: number) =>
      options.onProgress?.(`checkpoint ${i + 1} of ${found.length}, ${what}`, done, total);
    reports.push({ step, ...(await knn(checkpoint, { ...options, onProgress })) });
  }
  if (reports.length > 0) await folder?.save(...reports);
  return reports;
}
