import { microBatchOf } from '../config/rules.ts';
import type { Batch } from '../data/load/batch.ts';
import { BrokenImages } from '../data/load/broken.ts';
import type { Loader } from '../data/load/loader.ts';
import type { Cursor } from '../data/load/sampler.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import type { OpenOptions, OpenProgress } from '../data/sources/scheme.ts';
import type { Backend, Parameter } from '../engines/engine.ts';
import type { Program, Values } from '../graph/index.ts';
import type { ParameterSpec } from '../nn/parameters.ts';
import { checkedParts } from '../parts/check.ts';
import { namesOf, type Parts } from '../parts/parts.ts';
import { unusedParts } from '../parts/unused.ts';
import { trainingPlan } from '../programs/plan.ts';
import { type Progress, saveCheckpoint } from '../run/checkpoint.ts';
import { withAbsoluteSources } from '../run/data.ts';
import { openEngine } from '../run/engine.ts';
import type { FetchEvent, Outcome, RunningEvent, StartEvent } from '../run/events.ts';
import { fitBatch } from '../run/fit.ts';
import { findCheckpoint, type RunFolder, runFolder } from '../run/folder.ts';
import { scarceSpace } from '../run/free-space.ts';
import type { RunConfig, RunKind } from '../run/kind.ts';
import { RunLock } from '../run/lock.ts';
import type { ViewOptions } from '../run/setup-pretrain.ts';
import { appendSitting, type Judged } from '../run/sittings.ts';
import { aboutEngine, checkData, type StartingPoint, startingPoint } from '../run/start.ts';
import { oneLine } from '../text/one-line.ts';
import type { Measurements, RunContext, TrainingJob } from './job.ts';
import { Listener } from './listener.ts';
import { withOwnScores } from './own-measurements.ts';
import { Trainer } from './trainer.ts';

/** How a kind of run trains: all in which the kinds differ. `train` does the rest. */
export interface Training<C extends RunConfig, D extends TrainingData, S extends TrainingSetup, Start> {
  readonly kind: RunKind<C>;
  /** Complete settings of a new run from those given. Throws ConfigError. */
  resolve(input: object, parts: Parts): C | Promise<C>;
  /** Throws where settings cannot be trained, before images are looked for. */
  refuse?(config: C, parts: Parts): void;
  openData(config: C, options: OpenOptions): Promise<D>;
  /** A line for people about images that are unlike what a run needs. */
  warning?(data: D): string | undefined;
  setUp(config: C, data: D, parts: Parts): S;
  /** The weights that a new run starts with. @param note called with what a person should know */
  firstState(
    setup: S,
    specs: readonly ParameterSpec[],
    note: (message: string) => void,
    parts: Parts,
  ): Promise<Values>;
  monitor(parts: MonitorParts<S, D>): Monitor<Start>;
}

/** The images of a run. */
export interface TrainingData {
  readonly train: Dataset;
  /** Images that are never trained on, by the kind of run. */
  readonly heldOut?: Dataset;
  readonly test?: Dataset;
}

/** The programs, views and inputs of a run. */
export interface TrainingSetup {
  /** Programs that take `batch` images; the same object for the same number. */
  programs(batch: number): {
    readonly gradients: Program;
    readonly parameters: readonly Parameter[];
    readonly specs: readonly ParameterSpec[];
  };
  /** Random views, without end, from `cursor` on. */
  trainingViews(dataset: Dataset, options: ViewOptions & { readonly cursor: Cursor }): Loader;
  /** Inputs of the gradients' program for a whole batch. */
  inputs(batch: Batch): Values;
  /** Names of a classifier's classes. */
  readonly classes?: readonly string[];
}

/** What a monitor works with. */
export interface MonitorParts<S, D> extends RunContext {
  readonly setup: S;
  readonly data: D;
  readonly backend: Backend;
  /** Whether the run began with random weights. */
  readonly randomStart: boolean;
  readonly note: (message: string) => void;
  /** Writes a checkpoint. @param slots kinds of optimizer slots that it holds */
  save(path: string, progress: Progress, state: Values, slots: readonly string[]): Promise<void>;
}

/** What is measured and drawn beside training. */
export interface Monitor<Start> extends Measurements {
  /** The images that judge the run. */
  readonly judged: Partial<Judged>;
  /** What the start event says beyond that of every kind. */
  start(): Start | Promise<Start>;
}

export interface TrainOptions<Event> {
  /** Folder of the run. */
  readonly output: string;
  /** Goes on with the run in `output`, if there is one; the given settings are laid over its own. */
  readonly resume?: boolean;
  /**
   * Called for everything worth telling, in order. Promises are not waited for until the run ends; where one is rejected, the run
   * saves and stops, and rejects with its error.
   */
  readonly onEvent?: (event: Event) => unknown;
  /** Ends the run after the current update: a checkpoint is saved, and `resume` goes on from it. */
  readonly signal?: AbortSignal;
  /** The engine that computes, in place of the one the settings name. */
  readonly backend?: Backend;
  /** Tasks, masks, targets, sources, augmentations, evaluators and an engine of the user's own, see docs/own-parts.md. */
  readonly parts?: Parts | undefined;
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
export async function train<C extends RunConfig, D extends TrainingData, S extends TrainingSetup, Start>(
  training: Training<C, D, S, Start>,
  settings: object,
  options: TrainOptions<RunningEvent | FetchEvent | (StartEvent<C> & Start)>,
): Promise<TrainResult> {
  const folder = runFolder(options.output);
  const lock = new RunLock(folder);
  try {
    const parts = await checkedParts(options.parts);
    const own = namesOf(parts);
    const absolute = withAbsoluteSources(settings, parts.sources);
    const input = Object.keys(own).length > 0 ? { ...absolute, own } : absolute;
    const resolve = async () => training.resolve(input, parts);
    const wanted = { kind: training.kind, input, folder, resume: options.resume ?? false, own, resolve };
    return await trainFrom(training, await startingPoint(wanted, lock), folder, { ...options, parts });
  } finally {
    await lock.release();
  }
}

async function trainFrom<C extends RunConfig, D extends TrainingData, S extends TrainingSetup, Start>(
  training: Training<C, D, S, Start>,
  start: StartingPoint<C>,
  folder: RunFolder,
  options: TrainOptions<RunningEvent | FetchEvent | (StartEvent<C> & Start)>,
): Promise<TrainResult> {
  const { kind } = training;
  const { parts = {} } = options;
  const listener = new Listener(options.onEvent, options.signal);
  const { signal, emit } = listener;
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
    : fitBatch(start.config, data.train.length, undefined, parts);
  for (const message of notes) note(message);
  const warning = training.warning?.(data);
  if (warning !== undefined) note(warning);

  const setup = training.setUp(config, data, parts);
  const { gradients, parameters, specs } = setup.programs(microBatchOf(config.training));
  const state = checkpoint?.state ?? (await training.firstState(setup, specs, note, parts));
  const backend = options.backend ?? parts.engine ?? (await openEngine(config.engine));
  for (const message of aboutEngine(start, backend)) note(message);
  const scarce = await scarceSpace(folder, state);
  if (scarce !== undefined) note(scarce);
  const session = await backend.open(state);
  try {
    const report = (id: string, reason: string) => note(`broken image skipped: ${oneLine(id)}: ${reason}`);
    const context = { session, folder, broken: new BrokenImages(report, checkpoint?.progress.broken), emit };
    const randomStart = config.from === '' && !checkpoint;
    const plan = trainingPlan(config.training, gradients, parameters);
    const { classes } = setup;
    const save: MonitorParts<S, D>['save'] = (path, progress, state, slots) =>
      saveCheckpoint(path, { kind, config, classes, progress, state, parameters: specs, slots });
    const monitor = training.monitor({ ...context, setup, data, backend, randomStart, note, save });
    const job: TrainingJob = {
      settings: config,
      images: data.train,
      randomStart,
      plan,
      views: (given) => setup.trainingViews(data.train, given),
      inputs: (batch) => setup.inputs(batch),
      save: (path, progress, state) => save(path, progress, state, plan.rule.slots),
      measurements: withOwnScores(monitor, parts.evaluators ?? [], {
        ...{ config, backend, session, broken: context.broken, train: data.train },
        heldOut: data.heldOut ?? data.test,
        emit,
      }),
    };
    const about = { data: dataKey, engine: backend.description };
    const trainer = new Trainer(job, context, about, checkpoint?.progress);
    await start.begin(config);
    await appendSitting(folder, backend.description, {
      source: config.data.source,
      images: data.train.length,
      testImages: 0,
      ...monitor.judged,
    });
    emit({
      type: 'start',
      folder: folder.path,
      config,
      engine: backend.description,
      images: data.train.length,
      stepsPerEpoch: trainer.stepsPerEpoch,
      lastStep: trainer.lastStep,
      step: trainer.step,
      ...(await monitor.start()),
    });
    const outcome = await trainer.run(signal);
    await listener.done();
    return { outcome, step: trainer.step, folder, checkpoint: await findCheckpoint(folder.path) };
  } finally {
    await session.dispose();
  }
}
