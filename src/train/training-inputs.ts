import { microBatchOf } from '../config/rules.ts';
import type { Loader } from '../data/loader.ts';
import type { Cursor } from '../data/sampler.ts';
import type { TensorData, Values } from '../graph/index.ts';
import type { Setup } from './setup.ts';

/** What one update takes. */
export interface StepInputs {
  /** One for each part of the batch. */
  readonly parts: readonly Values[];
  /** The pass that the images belong to, and where to go on after them. */
  readonly epoch: number;
  readonly cursor: Cursor;
}

/** Inputs of updates, of which one can be made ahead while the engine works on another. */
export class TrainingInputs {
  readonly #loader: Loader;
  readonly #setup: Setup;
  #ahead: Promise<StepInputs> | undefined;

  constructor(loader: Loader, setup: Setup) {
    this.#loader = loader;
    this.#setup = setup;
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
    const { training } = this.#setup.config;
    const parts = cut(
      this.#setup.inputs(batch),
      training.batchSize,
      training.batchSize / microBatchOf(training),
    );
    return { parts, epoch: batch.epoch, cursor: batch.cursor };
  }
}

/** Inputs of a batch as those of `count` equal parts, each in buffers of its own: views would be sent whole. */
function cut(inputs: Values, batchSize: number, count: number): Values[] {
  if (count === 1) return [inputs];
  return Array.from({ length: count }, (_, part) =>
    Object.fromEntries(
      Object.entries(inputs).map(([name, data]) => {
        const length = (data.length / batchSize) * (batchSize / count);
        return [name, data.slice(part * length, (part + 1) * length) as TensorData];
      }),
    ),
  );
}
