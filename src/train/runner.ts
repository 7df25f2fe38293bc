import { microBatchOf } from '../config/rules.ts';
import type { OpenProgress } from '../data/sources/scheme.ts';
import type { Backend } from '../engines/engine.ts';
import { withAbsoluteSources } from '../run/data.ts';
import { openEngine } from '../run/engine.ts';
import type { FetchEvent, Outcome, RunningEvent, StartEvent } from '../run/events.ts';
import { fitBatch } from '../run/fit.ts';
import { findCheckpoint, type RunFolder, runFolder } from '../run/folder.ts';
import { folderStore } from '../run/folder-store.ts';
import { scarceSpace } from '../run/free-space.ts';
import type { RunConfig } from '../run/kind.ts';
import { RunLock } from '../run/lock.ts';
import { appendSitting } from '../run/sittings.ts';
import { aboutEngine, checkData, type StartingPoint, startingPoint } from '../run/start.ts';
import { type ReadyRun, runTraining } from './run-training.ts';
import type { Training, TrainingData, TrainingSetup } from './training.ts';

export type { Monitor, MonitorParts, Training, TrainingData, TrainingSetup } from './training.ts';

export interface TrainOptions<Event> {
  /** Folder of the run. */
  readonly output: string;
  /** Goes on with the run in `output`, if there is one; the given settings are laid over its own. */
  readonly resume?: boolean;
  /** Called for everything worth telling, in order. */
  readonly onEvent?: (event: Event) => void;
  /** Ends the run after the current update: a checkpoint is saved, and `resume` goes on from it. */
  readonly signal?: AbortSignal;
  /** The engine that computes, in place of the one the settings name. */
  readonly backend?: Backend;
}

export interface TrainResult {
  readonly outcome: Outcome;
  /** Updates made, earlier sittings included. */
  readonly step: number;
  readonly folder: RunFolder;
  /** The newest checkpoint. */
  readonly checkpoint: string;
}

/**
 * Runs a training in its folder: takes the lock, starts anew or resumes, opens images and engine, trains, and leaves settings,
 * metrics, checkpoints and pictures. Throws ConfigError for wrong settings; RunError for a folder in use, settings that must not
 * change on resume, or a loss that is not finite; DataError for images that cannot be used.
 * @param settings some of the settings
 */
export async function train<
  C extends RunConfig,
  D extends TrainingData,
  S extends TrainingSetup,
  Start extends object,
>(
  training: Training<C, D, S, Start>,
  settings: object,
  options: TrainOptions<RunningEvent | FetchEvent | (StartEvent<C> & Start)>,
): Promise<TrainResult> {
  const folder = runFolder(options.output);
  const lock = new RunLock(folder);
  const input = withAbsoluteSources(settings);
  const resolve = async () => training.resolve(input);
  try {
    const wanted = { kind: training.kind, input, folder, resume: options.resume ?? false, resolve };
    return await trainFrom(training, await startingPoint(wanted, lock), folder, options);
  } finally {
    await lock.release();
  }
}

async function trainFrom<
  C extends RunConfig,
  D extends TrainingData,
  S extends TrainingSetup,
  Start extends object,
>(
  training: Training<C, D, S, Start>,
  start: StartingPoint<C>,
  folder: RunFolder,
  options: TrainOptions<RunningEvent | FetchEvent | (StartEvent<C> & Start)>,
): Promise<TrainResult> {
  const { kind } = training;
  const { signal, onEvent: emit = () => {} } = options;
  const note = (message: string) => emit({ type: 'note', message });
  const { checkpoint } = start;
  for (const message of start.notes) note(message);
  training.refuse?.(start.config);
  const watched = {
    onProgress: (progress: OpenProgress) => emit({ type: 'fetch', progress }),
    onNote: note,
    ...(signal && { signal }),
  };
  const data = await training.openData(start.config, watched);
  const dataKey = await checkData(start, kind, data.train, watched);
  const { config, notes } = checkpoint
    ? { config: start.config, notes: [] }
    : fitBatch(start.config, data.train.length);
  for (const message of notes) note(message);
  const warning = training.warning?.(data);
  if (warning !== undefined) note(warning);

  const setup = training.setUp(config, data);
  const { specs } = setup.programs(microBatchOf(config.training));
  const state = checkpoint?.state ?? (await training.firstState(setup, specs, note));
  const backend = options.backend ?? (await openEngine(config.engine));
  for (const message of aboutEngine(start, backend)) note(message);
  const scarce = await scarceSpace(folder, state);
  if (scarce !== undefined) note(scarce);
  const run: ReadyRun<C, Start> = {
    ...{ kind, config, images: data.train, dataKey, setup, state, backend, checkpoint },
    store: folderStore(folder.path),
    views: (given) => setup.trainingViews(data.train, given),
    monitor: (parts) => training.monitor({ ...parts, setup, data, backend }),
    async begin(judged) {
      await start.begin(config);
      await appendSitting(folder, backend.description, {
        source: config.data.source,
        images: data.train.length,
        testImages: 0,
        ...judged,
      });
    },
  };
  const { outcome, step } = await runTraining(run, { emit, signal });
  return { outcome, step, folder, checkpoint: await findCheckpoint(folder.path) };
}
