import type { Batch } from '../data/load/batch.ts';
import type { Cursor } from '../data/load/sampler.ts';
import type { Values } from '../graph/index.ts';
import type { TrainingJob, TrainingViews } from './job.ts';

/** Inputs of one update. */
export interface StepInputs {
  readonly batch: Batch;
  /** One for each part of the batch. */
  readonly parts: readonly Values[];
  /** The pass of the images, and the position after them. */
  readonly epoch: number;
  readonly cursor: Cursor;
  /** Names of broken images that were passed over. */
  readonly broken: readonly string[];
  /** Gives the memory of the inputs back: nobody may use them from now on. */
  readonly recycle: () => void;
}

/** Inputs of updates. One can be prepared while the engine works on another. */
export class TrainingInputs {
  readonly #job: TrainingJob;
  readonly #loader: TrainingViews;
  #ahead: Promise<StepInputs> | undefined;

  constructor(job: TrainingJob, loader: TrainingViews) {
    this.#job = job;
    this.#loader = loader;
  }

  /** The inputs of the next update. Rejects when no image can be read. */
  take(): Promise<StepInputs> {
    const inputs = this.#ahead ?? this.#make();
    this.#ahead = undefined;
    return inputs;
  }

  /** Begins to make the inputs that the next `take` will give. */
  prepare(): void {
    this.#ahead ??= this.#make();
    this.#ahead.catch(() => {}); // whoever takes them gets the error
  }

  dispose(): Promise<void> {
    return this.#loader.dispose();
  }

  async #make(): Promise<StepInputs> {
    const { done, value: batch } = await this.#loader.next();
    if (done) throw new Error('the images of training never end, got an end');
    // What is drawn for the whole batch is drawn before it is cut: an update does not depend on the size of the parts.
    return {
      batch,
      parts: cut(await this.#job.inputs(batch), this.#job.microBatches),
      epoch: batch.epoch,
      cursor: batch.cursor,
      broken: batch.broken,
      recycle: () => this.#loader.recycle(batch),
    };
  }
}

/** Splits a batch's inputs into equal micro-batches. Each gets its own buffer: posting a subarray would copy the whole batch. */
function cut(inputs: Values, parts: number): Values[] {
  if (parts === 1) return [inputs];
  const part = (values: Values[string], i: number) =>
    values.slice((i * values.length) / parts, ((i + 1) * values.length) / parts);
  return Array.from({ length: parts }, (_, i) =>
    Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, part(values, i)])),
  );
}
