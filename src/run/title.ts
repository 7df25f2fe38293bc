import type { RecordedKind, RunConfig } from './kind.ts';

/** Heading of a run's pictures: its recipe, else its task, or its kind where it has none, and its images: `masked, flowers`. */
export function runTitle(
  { recipe, task, data }: Pick<RunConfig, 'recipe' | 'task' | 'data'>,
  { title }: Pick<RecordedKind, 'title'>,
): string {
  if (recipe !== 'custom') return recipe;
  const folder = data.source.replace(/^\w+:/, '').split(/[\\/]/).filter(Boolean).at(-1);
  return `${task?.name ?? title}, ${folder ?? data.source}`;
}
