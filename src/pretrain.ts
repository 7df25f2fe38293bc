import { resolveConfig } from './config/recipes.ts';
import { microBatchOf } from './config/rules.ts';
import type { Config, ConfigInput } from './config/schema.ts';
import { BrokenImages } from './data/load/broken.ts';
import type { OpenProgress } from './data/sources/scheme.ts';
import type { Backend } from './engines/engine.ts';
import { knnProbe } from './evaluate/knn/knn-probe.ts';
import { sizeOf, type Values } from './graph/index.ts';
import type { ParameterSpec, Part } from './nn/parameters.ts';
import { openData, withAbsoluteSources } from './run/data.ts';
import { openEngine } from './run/engine.ts';
import type { Outcome, PretrainEvent } from './run/events.ts';
import { fitBatch } from './run/fit.ts';
import { findCheckpoint, type RunFolder, runFolder } from './run/folder.ts';
import { scarceSpace } from './run/free-space.ts';
import { initialiseOnThreads } from './run/initialise-on-threads.ts';
import { pretraining } from './run/kinds/pretrain.ts';
import { RunLock } from './run/lock.ts';
import { readMetrics } from './run/metrics.ts';
import { setUp } from './run/setup-pretrain.ts';
import { appendSitting } from './run/sittings.ts';
import { aboutEngine, checkData, type StartingPoint, startingPoint } from './run/start.ts';
import { oneLine } from './text/one-line.ts';
import { pretrainJob } from './train/pretrain-job.ts';
import { Trainer } from './train/trainer.ts';
import { describeInit, initFrom } from './weights/init-from.ts';
import { openModel } from './weights/model.ts';

export interface RunOptions {
  /** Folder of the run. */
  readonly output: string;
  /** Goes on with the run in `output`, if there is one; the given settings are laid over its own. */
  readonly resume?: boolean;
  /**
   * A model, as `openModel` opens it, whose weights, and nothing else, a new run starts with; random weights where it is left out. In
   * place of the setting `from`.
   */
  readonly initFrom?: string | undefined;
  /** Called for everything worth telling, in order. */
  readonly onEvent?: (event: PretrainEvent) => void;
  /** Ends the run after the current update: a checkpoint is saved, and `resume` goes on from it. */
  readonly signal?: AbortSignal;
  /**
   * Folder in which kNN scores of random weights and of raw pixels are kept, false for none. Default: `features/scores` in the
   * project's cache folder.
   */
  readonly scoreCache?: string | false;
  /** The engine that computes, in place of the one the settings name. */
  readonly backend?: Backend;
}

export interface RunResult {
  readonly outcome: Outcome;
  /** Updates made, earlier sittings included. */
  readonly step: number;
  readonly folder: RunFolder;
  /** The newest checkpoint. */
  readonly checkpoint: string;
}

/**
 * Pre-trains a model by recovering degraded images, as the settings say, and leaves settings, metrics, checkpoints,
 * curves and pictures in the folder of the run. A run that was interrupted at any moment, and resumed with the same
 * engine on the same machine, ends with the same metrics and weights as one that was not.
 *
 * Throws ConfigError for wrong settings; RunError when another process trains into the folder or something else is there,
 * settings of a resumed run changed that must not, or a loss or gradient was not finite; DataError when the images cannot
 * be used.
 */
export async function pretrain(settings: ConfigInput, options: RunOptions): Promise<RunResult> {
  const folder = runFolder(options.output);
  const lock = new RunLock(folder);
  const input = {
    ...withAbsoluteSources(settings),
    ...(options.initFrom !== undefined && { from: options.initFrom }),
  };
  const resolve = () => resolveConfig(input);
  try {
    const wanted = { kind: pretraining, input, folder, resume: options.resume ?? false, resolve };
    const start = await startingPoint(wanted, lock);
    return await trainFrom(start, folder, options);
  } finally {
    await lock.release();
  }
}

async function trainFrom(
  start: StartingPoint<Config>,
  folder: RunFolder,
  options: RunOptions,
): Promise<RunResult> {
  const emit = options.onEvent ?? (() => {});
  const note = (message: string) => emit({ type: 'note', message });
  const { checkpoint } = start;
  for (const message of start.notes) note(message);
  setUp(start.config); // refuses what does not fit before images are looked for
  const watched = {
    onProgress: (progress: OpenProgress) => emit({ type: 'fetch', progress }),
    onNote: note,
    ...(options.signal && { signal: options.signal }),
  };
  const data = await openData(start.config, watched);
  const dataKey = await checkData(start, pretraining, data.train, { ...watched, onNote: note });
  const { config, notes } = checkpoint ? { ...start, notes: [] } : fitBatch(start.config, data.train.length);
  for (const message of notes) note(message);
  const setup = setUp(config);
  const { specs } = setup.programs(microBatchOf(config.training));
  const state = checkpoint?.state ?? (await firstState(config, specs, note));
  const backend = options.backend ?? (await openEngine(config.engine));
  for (const message of aboutEngine(start, backend)) note(message);
  const scarce = await scarceSpace(folder, state);
  if (scarce !== undefined) note(scarce);
  const session = await backend.open(state);
  try {
    const report = (id: string, reason: string) => note(`broken image skipped: ${oneLine(id)}: ${reason}`);
    const broken = new BrokenImages(report, checkpoint?.progress.broken);
    const randomStart = config.from === '' && !checkpoint;
    const wanted = config.evaluation.knnEvery > 0;
    const probe = wanted
      ? knnProbe(backend, setup, data, { broken, randomStart, scoreCache: options.scoreCache })
      : undefined;
    if (probe?.warning !== undefined) note(probe.warning);
    if (wanted && !probe)
      note('no report of kNN and linear probe: it needs images with classes, some of them held out');
    const at = { session, folder, broken, emit };
    const job = pretrainJob({ ...at, setup, data, probe, randomStart });
    const trainer = new Trainer(
      job,
      at,
      { data: dataKey, engine: backend.description },
      checkpoint?.progress,
    );
    await start.begin(config);
    await appendSitting(folder, backend.description, {
      source: config.data.source,
      images: data.train.length,
      testImages: probe?.test ?? 0,
      folds: probe?.leaveOneOut ? probe.test : undefined,
    });
    const before = (await readMetrics(folder))[0]?.knn;
    emit({
      type: 'start',
      folder: folder.path,
      config,
      engine: backend.description,
      weights: { encoder: trainedValues(specs, 'encoder'), decoder: trainedValues(specs, 'decoder') },
      images: data.train.length,
      heldOutImages: job.observer.heldOut?.length ?? 0,
      labelled: data.train.labels !== undefined,
      stepsPerEpoch: trainer.stepsPerEpoch,
      lastStep: trainer.lastStep,
      step: trainer.step,
      ...(before && { knn: before }),
    });
    const outcome = await trainer.run(options.signal);
    return { outcome, step: trainer.step, folder, checkpoint: await findCheckpoint(folder.path) };
  } finally {
    await session.dispose();
  }
}

/** The weights that a run starts with. */
async function firstState(
  config: Config,
  specs: readonly ParameterSpec[],
  note: (message: string) => void,
): Promise<Values> {
  const state = await initialiseOnThreads(specs, config.seed);
  if (config.from === '') return state;
  const { heads, decoder, image } = config.model; // where the file does not state them
  const model = await openModel(config.from, {
    unusualHeads: heads,
    decoderHeads: decoder.heads,
    usualImage: image,
  });
  note(describeInit(model, initFrom(model, config.model, specs, state)));
  return state;
}

function trainedValues(specs: readonly ParameterSpec[], part: Part): number {
  const trained = specs.filter((spec) => spec.trained && spec.part === part);
  return trained.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}
