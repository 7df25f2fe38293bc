import { parseConfig } from '../config/schema.ts';
import type { Backend } from '../engines/engine.ts';
import { openEngine } from '../run/engine.ts';
import type { Model } from '../weights/model.ts';

export interface EngineOptions {
  /** The engine that computes. Default: that of the run that made the model, else what `auto` takes. */
  readonly backend?: Backend | undefined;
  /** Called with a note for the user: about the engine that was opened, or why features cannot be kept on disk. Default: console.warn. */
  readonly onNote?: ((message: string) => void) | undefined;
}

/** The engine that options give, else that of the run that made a model, else the default one. */
export async function modelEngine({ run }: Pick<Model, 'run'>, options: EngineOptions): Promise<Backend> {
  if (options.backend) return options.backend;
  const backend = await openEngine((run?.config ?? parseConfig({})).engine);
  if (backend.notice !== undefined) options.onNote?.(backend.notice);
  return backend;
}
