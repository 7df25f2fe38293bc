import type { Values } from '../../graph/tensor.ts';
import type { Collective } from '../collective.ts';
import { gradientName, type StepResult } from '../engine.ts';
import { runningSums, trainingStep } from '../host/training-step.ts';
import { type Updates, updateByProgram } from '../host/updates.ts';
import type { Asking, StepOrder } from './messages.ts';
import type { EngineMemory, Prepared, Stored } from './stored.ts';
import type { ThreadPool } from './thread-pool.ts';

/** Buffers of gradients and state outputs, and the indices of their entries in the thread pool. */
interface Sums {
  readonly stored: readonly Stored[];
  readonly squares: number;
  /** Entry of weights and slots with their gradients. */
  readonly updates: number;
}

/** The steps of a plan: `trainingStep` on memory outside of JavaScript's heap, with loops on the thread pool. */
export class TrainingStep {
  readonly #engine: EngineMemory;
  readonly #pool: ThreadPool;
  readonly #updates: Updates;
  readonly #weights: readonly string[];
  /** Summed outputs: gradients, then state outputs. */
  readonly #names: readonly string[];
  /** By program: sums of a single micro-batch, whose gradients stay in the program's memory. */
  readonly #inPlace = new Map<number, Sums>();
  /** Sums in separate buffers. */
  #separate: Sums | undefined;
  /** By program: entry that adds its outputs to the sums. */
  readonly #additions = new Map<number, number>();

  constructor(engine: EngineMemory, pool: ThreadPool, updates: Updates) {
    this.#engine = engine;
    this.#pool = pool;
    this.#updates = updates;
    this.#weights = updates.weights.map(({ weight }) => weight);
    this.#names = [...this.#weights.map(gradientName), ...Object.keys(updates.state)];
  }

  run(
    { program, batches, scalars, numbers }: StepOrder,
    ask: Asking,
    collective: Collective | undefined,
  ): Promise<StepResult> {
    const [weights, updates, pool] = [this.#weights, this.#updates, this.#pool];
    // Needs separate buffers if programs update weights, because they reuse the gradients' memory, and for ranks,
    // which must not sum shared memory twice.
    const separate =
      batches.length > 1 || collective !== undefined || updates.weights.some(({ by }) => 'program' in by);
    const sums = () => (separate ? this.#separateSums(program) : this.#sumsInPlace(program));
    const data = () => sums().stored.map((stored) => stored.data as Float32Array);
    return trainingStep(
      {
        accumulate: async (batch, part) => {
          const { outputs } = this.#engine.prepared(program).midway
            ? await this.#engine.executeInHalves(program, batch, (values) => ask({ part, values }))
            : this.#engine.execute(program, batch);
          return this.#accumulate(program, outputs, part === 0, sums());
        },
        sums: () => ({ gradients: data().slice(0, weights.length), state: data().slice(weights.length) }),
        runningSquares: () => runningSums(pool.sumsOfSquares(sums().squares)),
        overwrite: (name, values) => this.#engine.stored(name).data.set(values),
        update: (all) => this.#update(sums(), all),
      },
      { batches, weights, scalars, numbers, state: updates.state, clip: updates.clip },
      collective,
    );
  }

  #accumulate(program: number, outputs: Prepared['outputs'], first: boolean, { stored: sums }: Sums) {
    const stored = this.#names.map((name) => outputs.get(name)!);
    if (first) {
      for (const [i, sum] of sums.entries()) if (sum !== stored[i]) sum.data.set(stored[i]!.data);
    } else {
      const entry =
        this.#additions.get(program) ?? this.#pool.enter(sums.map((sum, i) => together([sum, stored[i]!])));
      this.#additions.set(program, entry);
      this.#pool.run({ kind: 'add', entry });
    }
    const metrics = [...outputs].filter(([name]) => !this.#names.includes(name));
    return Object.fromEntries(metrics.map(([name, { data }]) => [name, data[0]!]));
  }

  #sumsInPlace(program: number): Sums {
    let sums = this.#inPlace.get(program);
    if (!sums) {
      const { outputs } = this.#engine.prepared(program);
      // A state output may share memory with the state, which is overwritten while other outputs are still read.
      sums = this.#enter(program, (name, i) => (i < this.#weights.length ? outputs.get(name) : undefined));
      this.#inPlace.set(program, sums);
    }
    return sums;
  }

  #separateSums(program: number): Sums {
    this.#separate ??= this.#enter(program, () => undefined);
    return this.#separate;
  }

  /** @param place buffer of an output's sum; undefined: a separate buffer */
  #enter(program: number, place: (name: string, index: number) => Stored | undefined): Sums {
    const { outputs } = this.#engine.prepared(program);
    const stored = this.#names.map((name, i) => {
      // A name's buffer has one length. Outputs that overwrite state use the state's name, because another plan may
      // use the same output name for another length.
      const key = this.#updates.state[name] ?? name;
      return place(name, i) ?? this.#engine.sum(key, outputs.get(name)!.data.length);
    });
    const state = (name: string) => this.#engine.stored(name);
    const updates = this.#updates.weights.flatMap(({ weight, slots, by }, i) =>
      'kernel' in by
        ? [{ ...together([state(weight), stored[i]!, ...Object.values(slots).map(state)]), ...by }]
        : [],
    );
    const gradients = stored.slice(0, this.#weights.length);
    return {
      stored,
      squares: this.#pool.enter(gradients.map((tensor) => together([tensor]))),
      updates: this.#pool.enter(updates),
    };
  }

  async #update({ stored, updates }: Sums, scalars: Readonly<Record<string, number>>): Promise<void> {
    this.#pool.run({ kind: 'update', entry: updates, scalars });
    for (const [i, update] of this.#updates.weights.entries()) {
      const { by } = update;
      if (!('program' in by)) continue;
      const run = (inputs: Values): Values => {
        const { outputs } = this.#engine.execute(by.program, inputs);
        return Object.fromEntries([...outputs].map(([name, { data }]) => [name, data]));
      };
      await updateByProgram(update, stored[i]!.data, scalars, (name) => this.#engine.stored(name).data, run);
    }
  }
}

const together = (tensors: readonly Stored[]) => ({
  addresses: tensors.map(({ address }) => address),
  length: tensors[0]!.data.length,
});
