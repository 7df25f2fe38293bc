import { resolveConfig } from './config/recipes.ts';
import type { Config, ConfigInput } from './config/schema.ts';
import type { Values } from './graph/index.ts';
import type { ParameterSpec } from './nn/parameters.ts';
import type { Parts } from './parts/parts.ts';
import { openData, type RunData } from './run/data.ts';
import type { PretrainEvent } from './run/events.ts';
import { initialiseOnThreads } from './run/initialise-on-threads.ts';
import { pretraining } from './run/kinds/pretrain.ts';
import { type Setup, setUp } from './run/setup-pretrain.ts';
import { PretrainMonitor, type PretrainStart } from './train/pretrain-monitor.ts';
import { type Training, type TrainOptions, type TrainResult, train } from './train/runner.ts';
import { loadAutoencoder } from './weights/load-into.ts';
import { openModel } from './weights/model.ts';

export interface RunOptions extends TrainOptions<PretrainEvent> {
  /**
   * A model, as `openModel` opens it, whose weights, and nothing else, a new run starts with; random weights where it is left out. In
   * place of the setting `from`.
   */
  readonly initFrom?: string | undefined;
  /**
   * Folder in which kNN scores of random weights and of raw pixels are kept, false for none. Default: `features/scores` in the
   * project's cache folder.
   */
  readonly scoreCache?: string | false;
}

export type RunResult = TrainResult;

/**
 * Pre-trains a model by recovering degraded images, as the settings say, and leaves settings, metrics, checkpoints,
 * curves and pictures in the folder of the run. A run that was interrupted at any moment, and resumed with the same
 * engine on the same machine, ends with the same metrics and weights as one that was not.
 *
 * Throws ConfigError for wrong settings; RunError when another process trains into the folder or something else is there,
 * settings of a resumed run changed that must not, or a loss or gradient was not finite; DataError when the images cannot
 * be used.
 */
export function pretrain(settings: ConfigInput, options: RunOptions): Promise<RunResult> {
  const { initFrom, scoreCache } = options;
  const training: Training<Config, RunData, Setup, PretrainStart> = {
    kind: pretraining,
    resolve: (input, parts) => resolveConfig(input, parts),
    refuse: setUp,
    openData,
    setUp: (config, _, parts) => setUp(config, parts),
    firstState,
    // The runner hands on events of every kind of run.
    monitor: (parts) =>
      new PretrainMonitor({ ...parts, scoreCache, emit: parts.emit as (event: PretrainEvent) => void }),
  };
  return train(training, { ...settings, ...(initFrom !== undefined && { from: initFrom }) }, options);
}

/** The weights that a run starts with. */
async function firstState(
  { config }: Setup,
  specs: readonly ParameterSpec[],
  note: (message: string) => void,
  { targets }: Parts,
): Promise<Values> {
  const state = await initialiseOnThreads(specs, config.seed);
  if (config.from === '') return state;
  const { heads, decoder, image } = config.model; // where the file does not state them
  const model = await openModel(config.from, {
    unusualHeads: heads,
    decoderHeads: decoder.heads,
    usualImage: image,
    targets,
  });
  note(loadAutoencoder(model, config.model, specs, state).join('\n'));
  return state;
}
