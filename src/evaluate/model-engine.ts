import type { Backend } from '../backends/backend.ts';
import { parseConfig } from '../config/schema.ts';
import { openEngine } from '../train/engine.ts';
import type { Model } from '../weights/model.ts';

/** The engine of the run that made a model, else the default one. */
export function modelEngine({ run }: Pick<Model, 'run'>): Promise<Backend> {
  return openEngine((run?.config ?? parseConfig({})).engine);
}
