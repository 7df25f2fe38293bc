import type { EngineSettings } from '../config/engine.ts';
import { microBatchesOf, microBatchOf } from '../config/rules.ts';
import type { OpenProgress } from '../data/sources/scheme.ts';
import type { Engine } from '../engines/engine.ts';
import type { World } from '../engines/mpi/launcher.ts';
import { mpiCollective } from '../engines/mpi/place.ts';
import { checkedParts } from '../parts/check.ts';
import { namesOf, type Parts } from '../parts/parts.ts';
import { refuseObjects } from '../parts/settings.ts';
import { unusedParts } from '../parts/unused.ts';
import { withAbsoluteSources } from '../run/data.ts';
import { openEngine } from '../run/engine.ts';
import type { FetchEvent, Outcome, RunningEvent, StartEvent } from '../run/events.ts';
import { fitBatch } from '../run/fit.ts';
import { findCheckpoint, type RunFolder, runFolder } from '../run/folder.ts';
import { folderStore } from '../run/folder-store.ts';
import { scarceSpace } from '../run/free-space.ts';
import type { RunConfig } from '../run/kind.ts';
import { Listener } from '../run/listener.ts';
import { RunLock } from '../run/lock.ts';
import { watchRanks } from '../run/lost-ranks.ts';
import { appendSitting, type Judged } from '../run/sittings.ts';
import { aboutEngine, checkData, type ResumePoint, resumePoint } from '../run/start.ts';
import { silentStore } from '../run/store.ts';
import { engineOfRank, givenWorld, isWriter, requireRanks } from '../run/world.ts';
import { withOwnScores } from './own-measurements.ts';
import { type ReadyRun, runTraining } from './run-training.ts';
import type { MonitorContext, Training, TrainingData, TrainingSetup } from './training.ts';

export type { Monitor, MonitorParts, Training, TrainingData, TrainingSetup } from './training.ts';

export interface TrainOptions<Event> {
  /** Folder of the run. */
  readonly output: string;
  /** Resumes the run in `output`, if there is one; the given settings override its settings. */
  readonly resume?: boolean;
  /**
   * Called with every event, in order. Promises are not waited for until the run ends; where one is rejected, the run
   * saves and stops, and rejects with its error.
   */
  readonly onEvent?: (event: Event) => unknown;
  /** Ends the run after the current update: a checkpoint is saved, and `resume` continues from it. */
  readonly signal?: AbortSignal;
  /** The engine that computes, in place of the one the settings name. */
  readonly engine?: Engine;
  /** Tasks, masks, targets, sources, augmentations, evaluators and an engine of the user's own, see docs/own-parts.md. */
  readonly parts?: Parts | undefined;
  /**
   * Place of this process among ranks that train together over MPI, each on its share of every batch, as `launchedWorld` reads it
   * from the launcher's variables. Rank 0 writes, measures and draws; the others emit notes about their own images only. After an error
   * a rank must exit with another status than 0, so that its launcher ends the others. Default: one process.
   */
  readonly world?: (Omit<World, 'localSize'> & Partial<World>) | undefined;
}

export interface TrainResult {
  readonly outcome: Outcome;
  /** Updates made, earlier sittings included. */
  readonly step: number;
  readonly folder: RunFolder;
  /** The newest checkpoint; empty on ranks that do not write it. */
  readonly checkpoint: string;
}

/**
 * Runs a training in its folder: takes the lock, starts or resumes, opens images and engine, trains, and leaves settings,
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
  const world = options.world && givenWorld(options.world);
  const writes = isWriter(world);
  try {
    refuseObjects(settings);
    const parts = await checkedParts(options.parts);
    const own = namesOf(parts);
    const absolute = withAbsoluteSources(settings, parts.sources);
    const input = Object.keys(own).length > 0 ? { ...absolute, own } : absolute;
    const resolve = async () => training.resolve(input, parts);
    const wanted = { kind: training.kind, input, folder, resume: options.resume ?? false, own, resolve };
    const start = await resumePoint(wanted, writes ? lock : { take: async () => undefined });
    return await trainFrom(training, start, folder, { ...options, parts, world });
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
  start: ResumePoint<C>,
  folder: RunFolder,
  options: TrainOptions<RunningEvent | FetchEvent | (StartEvent<C> & Start)> & {
    readonly world: World | undefined;
  },
): Promise<TrainResult> {
  const { kind } = training;
  const { parts = {}, world } = options;
  const writes = isWriter(world);
  const listener = new Listener(options.onEvent, options.signal);
  const { signal } = listener;
  const emit: typeof listener.emit = writes ? listener.emit : () => {};
  const note = (message: string) => emit({ type: 'note', message });
  const { checkpoint } = start;
  for (const message of start.notes) note(message);
  for (const message of unusedParts(start.config, parts)) note(message);
  training.refuse?.(start.config, parts);
  const watched = {
    onProgress: (progress: OpenProgress) => emit({ type: 'fetch', progress }),
    onNote: note,
    signal,
    ...(parts.sources && { sources: parts.sources }),
  };
  const data = await training.openData(start.config, watched);
  const dataKey = await checkData(start, kind, data.train, watched);
  const { config, notes } = checkpoint
    ? { config: start.config, notes: [] }
    : fitBatch(
        training.settle?.(start.config, data) ?? start.config,
        data.train.length,
        undefined,
        parts,
        world,
      );
  for (const message of notes) note(message);
  const warning = training.warning?.(data);
  if (warning !== undefined) note(warning);

  const setup = training.setUp(config, data, parts);
  microBatchesOf(config.training, world?.size);
  const { specs } = setup.programs(microBatchOf(config.training, world?.size));
  const state = checkpoint?.state ?? (await training.firstState(setup, specs, note, parts));
  const engine = options.engine ?? parts.engine ?? (await engineOf(config.engine, world));
  for (const message of aboutEngine(start, engine)) note(message);
  const scarce = writes ? await scarceSpace(folder, state) : undefined;
  if (scarce !== undefined) note(scarce);
  const run: ReadyRun<C, Start> = {
    ...{ kind, config, images: data.train, dataKey, setup, state, engine, checkpoint },
    store: writes ? folderStore(folder.path) : silentStore(folderStore(folder.path)),
    views: (given) => setup.trainingViews(data.train, { ...given, share: world }),
    ...(world && {
      ranks: { ...world, collective: mpiCollective(world), watch: (sum) => watchRanks(world, sum) },
    }),
    ...(writes && {
      monitor: (context: MonitorContext) => {
        const given = { ...context, setup, data, engine };
        return withOwnScores(training.monitor(given), config, given, parts.evaluators);
      },
      async begin(judged: Partial<Judged>) {
        await start.begin(config);
        await appendSitting(folder, engine.description, {
          source: config.data.source,
          images: data.train.length,
          testImages: 0,
          ...judged,
        });
      },
    }),
  };
  const notesOnly: typeof emit = (event) => {
    if (event.type === 'note') listener.emit(event);
  };
  const { outcome, step } = await runTraining(run, { emit: writes ? emit : notesOnly, signal });
  await listener.done();
  return { outcome, step, folder, checkpoint: writes ? await findCheckpoint(folder.path) : '' };
}

/** The engine that the settings name. On ranks, one that sums over them. */
async function engineOf(settings: EngineSettings, world: World | undefined): Promise<Engine> {
  const engine = await openEngine(world ? engineOfRank(settings, world) : settings);
  if (world) requireRanks(engine.name);
  return engine;
}
