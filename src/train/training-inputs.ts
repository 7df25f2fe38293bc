import { microBatchOf } from '../config/rules.ts';
import type { Batch } from '../data/batch.ts';
import type { Loader } from '../data/loader.ts';
import type { Cursor } from '../data/sampler.ts';
import type { Values } from '../graph/index.ts';
import type { TrainingJob } from './job.ts';

/** What one update takes. */
export interface StepInputs {
  /** One for each part of the batch. */
  readonly parts: readonly Values[];
  /** The pass that the images belong to, and where to go on after them. */
  readonly epoch: number;
  readonly cursor: Cursor;
  /** Gives the memory of the inputs back: nobody may use them from now on. */
  readonly recycle: () => void;
}

/** Inputs of updates, of which one can be made ahead while the engine works on another. */
export class TrainingInputs {
  readonly #job: TrainingJob;
  readonly #loader: Loader;
  #ahead: Promise<StepInputs> | undefined;

  constructor(job: TrainingJob, loader: Loader) {
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
    const { value: batch } = await this.#loader.next();
    if (!batch) throw new Error('the images of training never end, got an end');
    const parts = cut(batch, microBatchOf(this.#job.settings.training));
    return {
      parts: parts.map((part) => this.#job.inputs(part)),
      epoch: batch.epoch,
      cursor: batch.cursor,
      recycle: () => this.#loader.recycle(batch),
    };
  }
}

/** A batch as parts of `size` images, each in buffers of its own: views would be sent whole. */
function cut(batch: Batch, size: number): Batch[] {
  const { view, indices, weights, labels, rngs } = batch;
  const images = indices.length;
  if (size === images) return [batch];
  const bytes = view.length / images;
  return Array.from({ length: images / size }, (_, part) => {
    const [from, to] = [part * size, (part + 1) * size];
    return {
      ...batch,
      view: view.slice(from * bytes, to * bytes),
      indices: indices.slice(from, to),
      weights: weights.slice(from, to),
      ...(labels && { labels: labels.slice(from, to) }),
      rngs: rngs.slice(from, to),
    };
  });
}
