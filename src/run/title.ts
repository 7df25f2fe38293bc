import { basename } from 'node:path';
import type { RecordedKind, RunConfig } from './kind.ts';

/** Heading of a run's pictures: its recipe, else its task, or its kind where it has none, and its images: `masked, flowers`. */
export function runTitle(
  { recipe, task, data }: Pick<RunConfig, 'recipe' | 'task' | 'data'>,
  { title }: Pick<RecordedKind, 'title'>,
): string {
  if (recipe !== 'custom') return recipe;
  return `${task?.name ?? title}, ${basename(data.source.replace(/^\w+:/, '')) || data.source}`;
}
