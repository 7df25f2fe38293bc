import type { Dataset } from '../data/sources/dataset.ts';
import type { Engine, Session } from '../engines/engine.ts';
import type { Score, Watch } from '../evaluate/evaluator.ts';
import type { Features } from '../evaluate/features/features.ts';
import type { RunConfig } from '../run/kind.ts';

/** Inputs of an evaluator beside the weights. */
export interface JudgedRun {
  readonly config: RunConfig;
  /** Images that are trained on. */
  readonly train: Dataset;
  /** Images that are never trained on: those held out, or a classifier's test images. Absent where there are none. */
  readonly heldOut?: Dataset | undefined;
  /** The engine that trains. */
  readonly engine: Engine;
  /** Features of images by the present weights: central crops, pooled after the final norm. Images that cannot be read are left out. */
  features(images: Dataset): Promise<Features>;
}

/** An evaluator of the user's own: measures the weights of a run while it trains. */
export interface RunEvaluator {
  /** Name in messages and settings. */
  readonly name: string;
  /** Epochs from one measurement to the next; the last one is at the end of the run. Default: 1. */
  readonly every?: number | undefined;
  /**
   * Yields each number as soon as it is known, by a name that becomes a column of `metrics.jsonl`. The weights that `session` holds
   * stay as they are. `watch.signal` is aborted where the run is stopped.
   */
  run(session: Session, watch: Watch, run: JudgedRun): AsyncIterable<Score>;
}
