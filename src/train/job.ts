import type { Batch } from '../data/load/batch.ts';
import type { BrokenImages } from '../data/load/broken.ts';
import type { Cursor } from '../data/load/sampler.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import type { Session, TrainingPlan } from '../engines/engine.ts';
import type { Values } from '../graph/index.ts';
import type { Progress } from '../run/checkpoint-codec.ts';
import type { RunningEvent } from '../run/events.ts';
import type { RunConfig } from '../run/kind.ts';
import type { ViewOptions } from '../run/setup-pretrain.ts';
import type { RunStore } from '../run/store.ts';
import type { Ranks } from './ranks.ts';

/** One training: images, program and inputs. The trainer does the rest. */
export interface TrainingJob {
  readonly settings: RunConfig;
  /** Heading of its pictures. */
  readonly title: string;
  /** The images that are trained on. */
  readonly images: Pick<Dataset, 'length'>;
  /** True if the initial weights can be recreated from the seed; if not, they are saved before the first update. */
  readonly randomStart: boolean;
  /** Place among the processes that share each batch. Default: one process. */
  readonly ranks?: Pick<Ranks, 'rank' | 'size'> | undefined;
  /** Number of parts in which this process computes its share of a batch. */
  readonly microBatches: number;
  /** Its program takes the images of one such part. */
  readonly plan: TrainingPlan;
  /** Random views of the images, without end, from `cursor` on. */
  views(options: ViewOptions & { readonly cursor: Cursor }): TrainingViews;
  /**
   * Inputs of the plan's program for this process's share of a batch: each has a row, or several, for every image, in the order of the images, so that
   * it can be cut into parts.
   */
  inputs(images: Batch): Values | Promise<Values>;
  /**
   * The inputs that depend on the weights, see `Complete` of engines: for one part of a batch, from the values that the plan has midway.
   */
  complete?(images: Batch, values: Values, part: number): Promise<Values>;
  /** Writes a checkpoint of the session's state. */
  save(name: string, progress: Progress): Promise<void>;
  readonly measurements: Measurements;
}

/** Measurements and pictures beside training. */
export interface Measurements {
  /** Before the first update, until the signal is aborted: what the row of step 0 says, if there is to be one. */
  atStart(signal?: AbortSignal): Promise<Record<string, unknown> | undefined>;
  /**
   * After an epoch, and when the run ends, until the signal is aborted: what the row says beyond the others.
   * @param last whether the run ends: then everything is measured
   */
  atEpoch(progress: Progress, last: boolean, signal?: AbortSignal): Promise<Record<string, unknown>>;
  /** After an epoch, and when the run ends: draws pictures beside the curves, which the trainer draws. */
  draw?(step: number): Promise<void>;
}

/** Batches of views without end, as a loader makes them. */
export interface TrainingViews {
  next(): Promise<IteratorResult<Batch, unknown>>;
  /** Takes back the memory of a batch's view, which nobody may use from now on. */
  recycle(batch: Batch): void;
  dispose(): Promise<void>;
}

/** The session, store and listener of a run. */
export interface RunContext {
  /** Holds the weights and the optimizer's slots. */
  readonly session: Session;
  readonly store: RunStore;
  readonly broken: BrokenImages;
  readonly emit: (event: RunningEvent) => void;
}
