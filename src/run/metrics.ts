import type { StepRow } from './events.ts';
import type { RunFolder } from './folder.ts';
import { folderStore } from './folder-store.ts';
import { metricsOf } from './run-files.ts';

/** The rows of a run's metrics so far. */
export function readMetrics({ path }: RunFolder): Promise<StepRow[]> {
  return metricsOf(folderStore(path));
}
