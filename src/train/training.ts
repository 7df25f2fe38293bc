import type { Batch } from '../data/load/batch.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import type { OpenOptions } from '../data/sources/scheme.ts';
import type { Engine, TrainingPlan } from '../engines/engine.ts';
import type { Values } from '../graph/index.ts';
import type { ParameterSpec } from '../nn/parameters.ts';
import type { Parts } from '../parts/parts.ts';
import type { Progress } from '../run/checkpoint-codec.ts';
import type { RunConfig, RunKind } from '../run/kind.ts';
import type { TrainingViewOptions } from '../run/setup-pretrain.ts';
import type { Judged } from '../run/sittings.ts';
import type { Measurements, RunContext, TrainingJob, TrainingViews } from './job.ts';

/** How a kind of run trains: all in which the kinds differ. `train` does the rest. */
export interface Training<
  C extends RunConfig,
  D extends TrainingData,
  S extends TrainingSetup,
  Start extends object,
> {
  readonly kind: RunKind<C>;
  /** Complete settings of a new run from those given. Throws ConfigError. */
  resolve(input: object, parts: Parts): C | Promise<C>;
  /** Throws where settings cannot be trained, before images are looked for. */
  refuse?(config: C, parts: Parts): void;
  openData(config: C, options: OpenOptions): Promise<D>;
  /** Settings of a new run that follow from its images. Throws ConfigError. */
  settle?(config: C, data: D): C;
  /** A line for people about images that are unlike what a run needs. */
  warning?(data: D): string | undefined;
  setUp(config: C, data: D, parts: Parts): S;
  /** The weights that a new run starts with. @param note called with notes for the user */
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
    readonly specs: readonly ParameterSpec[];
  } & Pick<TrainingPlan, 'gradients' | 'parameters' | 'state' | 'midway'>;
  /** Random views, without end, from `cursor` on. */
  trainingViews(dataset: Dataset, options: TrainingViewOptions): TrainingViews;
  /** Inputs of the gradients' program for a whole batch. */
  inputs(batch: Batch): Values | Promise<Values>;
  /** See `TrainingJob.complete`. */
  complete?: TrainingJob['complete'];
  /** Names of a classifier's classes. */
  readonly classes?: readonly string[];
}

/** Context of every monitor. */
export interface MonitorContext extends RunContext {
  /** Number of images that training computes at once. */
  readonly microBatch: number;
  /** True if the run began with random weights. */
  readonly randomStart: boolean;
  readonly note: (message: string) => void;
  /** Writes a checkpoint. @param slots kinds of optimizer slots that it holds */
  save(name: string, progress: Progress, state: Values, slots: readonly string[]): Promise<void>;
}

/** The same with the images and the programs of a kind of run. */
export interface MonitorParts<S, D> extends MonitorContext {
  readonly setup: S;
  readonly data: D;
  readonly engine: Engine;
}

/** Measurements and pictures beside training. */
export interface Monitor<Start> extends Measurements {
  /** The images that judge the run. */
  readonly judged: Partial<Judged>;
  /** Further fields of the start event. */
  start(): Start | Promise<Start>;
}
