import { basename } from 'node:path';
import type { RunConfig } from './kind.ts';

/** What pictures of a run are headed with: its recipe, else what is done with which images: `masked, flowers`. */
export function runTitle({ recipe, task, data }: Pick<RunConfig, 'recipe' | 'task' | 'data'>): string {
  if (recipe !== 'custom') return recipe;
  return `${task?.name ?? 'fine-tuning'}, ${basename(data.source.replace(/^\w+:/, '')) || data.source}`;
}
