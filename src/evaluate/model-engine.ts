import { parseConfig } from '../config/schema.ts';
import type { Engine } from '../engines/engine.ts';
import { openEngine } from '../run/engine.ts';
import type { Model } from '../weights/model.ts';

export interface EngineOptions {
  /** The engine. Default: the engine of the run that made the model, else `auto`. */
  readonly engine?: Engine | undefined;
  /** Called with notes for the user: about the chosen engine, or why features cannot be cached. Default: console.warn. */
  readonly onNote?: ((message: string) => void) | undefined;
}

/**
 * The engine in the options, else the engine of the run that made the model, else the default one: also where that of
 * the run cannot be opened on this machine, which a note says.
 */
export async function modelEngine({ run }: Pick<Model, 'run'>, options: EngineOptions): Promise<Engine> {
  if (options.engine) return options.engine;
  const { engine: automatic } = parseConfig({});
  const settings = run?.config.engine ?? automatic;
  const engine = await openEngine(settings).catch(async (error: Error) => {
    if (settings.name === automatic.name) throw error;
    const other = await openEngine(automatic);
    (options.onNote ?? console.warn)(`${error.message}; ${other.description} computes instead`);
    return other;
  });
  if (engine.notice !== undefined) options.onNote?.(engine.notice);
  return engine;
}
