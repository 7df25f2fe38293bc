import { parseConfig } from '../config/schema.ts';
import type { Engine } from '../engines/engine.ts';
import { openEngine } from '../run/engine.ts';
import type { Model } from '../weights/model.ts';

export interface EngineOptions {
  /** The engine that computes. Default: that of the run that made the model, else what `auto` takes. */
  readonly engine?: Engine | undefined;
  /** Called with a note for the user: about the engine that was opened, or why features cannot be kept on disk. Default: console.warn. */
  readonly onNote?: ((message: string) => void) | undefined;
}

/** The engine that options give, else that of the run that made a model, else the default one. */
export async function modelEngine({ run }: Pick<Model, 'run'>, options: EngineOptions): Promise<Engine> {
  if (options.engine) return options.engine;
  const engine = await openEngine((run?.config ?? parseConfig({})).engine);
  if (engine.notice !== undefined) options.onNote?.(engine.notice);
  return engine;
}
