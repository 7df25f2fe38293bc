import { join } from 'node:path';
import { writeFileAtomic } from '../io/atomic.ts';
import { readRows } from '../io/jsonl.ts';
import { makeFolder } from '../io/make-folder.ts';
import { renderCurves } from '../visualize/curves.ts';
import type { StepRow } from './events.ts';
import type { RunFolder } from './folder.ts';

/** Draws `curves.svg` from the metrics so far; returns its path. */
export async function writeCurves(folder: RunFolder, title: string): Promise<string> {
  await writeFileAtomic(folder.curves, renderCurves(await readMetrics(folder), { title }));
  return folder.curves;
}

/** Writes the picture of a step's reconstructions; returns its path. */
export async function writeReconstructions(
  folder: RunFolder,
  step: number,
  png: Uint8Array,
): Promise<string> {
  await makeFolder(folder.reconstructions);
  const path = join(folder.reconstructions, `step-${String(step).padStart(8, '0')}.png`);
  await writeFileAtomic(path, png);
  return path;
}

/** The rows of a run's metrics so far. */
export async function readMetrics(folder: RunFolder): Promise<StepRow[]> {
  try {
    return await readRows<StepRow>(folder.metrics);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
