import { type DType, dtypeOf, sizeOf, type TensorData, type Values } from '../../graph/tensor.ts';
import type { Collective, CollectiveModule } from '../collective.ts';
import type { StepResult } from '../engine.ts';
import { broadcastState, sumNumbers } from '../host/all-reduce.ts';
import { openCollective } from '../host/open-collective.ts';
import type { Timing } from '../timing.ts';
import { requireBf16 } from './cpu.ts';
import { hostKernel, typed } from './host-kernels.ts';
import type { Instruction, PlannedOutput } from './instructions.ts';
import { type Library, loadLibrary } from './library.ts';
import { Memory } from './memory.ts';
import type { Asking, Requests, StepOrder } from './messages.ts';
import { Primitives } from './primitives.ts';
import { Profile } from './profile.ts';
import type { EngineMemory, Prepared, Stored } from './stored.ts';
import { ThreadPool } from './thread-pool.ts';
import { TrainingStep } from './training-step.ts';
import { bytesOf, type View } from './view.ts';

/** Holds the state and runs programs, on any thread. */
export class EngineHost implements EngineMemory {
  #library!: Library;
  #memory!: Memory;
  #pool!: ThreadPool;
  #primitives!: Primitives;
  readonly #state = new Map<string, Stored>();
  readonly #sums = new Map<string, Stored>();
  readonly #constants = new Map<string, bigint>();
  readonly #programs = new Map<number, Prepared>();
  readonly #trainings = new Map<number, TrainingStep>();
  /** Scratch memory, shared by all programs. */
  #scratch = { address: 0n, bytes: 0 };
  #measures = false;
  #collective: Collective | undefined;

  async start({ threads, precision, files }: Requests['start']['take']): Promise<Requests['start']['give']> {
    this.#library = await loadLibrary(files);
    this.#library.setThreads(threads);
    this.#memory = new Memory(this.#library);
    this.#pool = new ThreadPool(this.#library, threads);
    if (precision === 'bf16') requireBf16();
    return { version: Object.values(this.#library.version).join('.'), file: this.#library.file };
  }

  async write(values: Values): Promise<undefined> {
    for (const [name, data] of Object.entries(values)) {
      const known = this.#state.get(name) ?? this.store(dtypeOf(data), data.length);
      this.#state.set(name, known);
      known.data.set(data);
    }
  }

  async zeros(lengths: Requests['zeros']['take']): Promise<undefined> {
    // New memory is zero.
    const blocks = Object.entries(lengths).map(([name, length]) => {
      const stored = this.store('f32', length);
      this.#state.set(name, stored);
      return { address: stored.address, bytes: stored.data.byteLength };
    });
    this.#pool.run({ kind: 'populate', blocks: blocks });
  }

  async read(names: readonly string[]): Promise<Values> {
    return Object.fromEntries(names.map((name) => [name, this.#state.get(name)!.data.slice() as TensorData]));
  }

  async compile({ program, plan }: Requests['compile']['take']): Promise<undefined> {
    if (plan.scratchBytes > this.#scratch.bytes) {
      this.#scratch = { address: this.#memory.allocate(plan.scratchBytes), bytes: plan.scratchBytes };
      // All threads populate it at once. Otherwise the first run would wait for page faults in every call.
      this.#pool.run({ kind: 'populate', blocks: [this.#scratch] });
    }
    const { address: base } = this.#scratch;
    const addresses = new Map<number, bigint>();
    const bufferAddress = ({ buffer }: View): bigint => {
      const known = addresses.get(buffer.id);
      if (known !== undefined) return known;
      const { source } = buffer;
      let address: bigint;
      if (source && 'state' in source) address = this.#state.get(source.state)!.address;
      else if (source && 'constant' in source) address = this.#constant(source.constant);
      else address = base + BigInt(plan.offsets.get(buffer.id)!);
      addresses.set(buffer.id, address);
      return address;
    };
    const addressOf = (view: View) => bufferAddress(view) + BigInt(view.offset * bytesOf(view.dtype));
    const array = (view: View): Stored => {
      const [address, bytes] = [addressOf(view), sizeOf(view.shape) * bytesOf(view.dtype)];
      return { address, data: typed(this.#memory.bytes(address, bytes), view.dtype) };
    };
    const arrays = (views: readonly Pick<PlannedOutput, 'name' | 'view'>[]) =>
      new Map(views.map(({ name, view }) => [name, array(view)]));
    this.#primitives ??= new Primitives(this.#library);
    const calls = plan.instructions.map((instruction) =>
      instruction.kind === 'host'
        ? hostCall(instruction, array)
        : this.#primitives.prepare(instruction, addressOf),
    );
    this.#programs.set(program, {
      calls,
      profile: new Profile(plan.instructions),
      feeds: arrays(plan.feeds),
      outputs: arrays(plan.outputs),
      ...(plan.midway && { midway: { at: plan.midway.at, outputs: arrays(plan.midway.outputs) } }),
    });
  }

  async run({ program, inputs }: Requests['run']['take']): Promise<Values> {
    return copies(this.execute(program, inputs).outputs);
  }

  async updates({ number, updates }: Requests['updates']['take']): Promise<undefined> {
    this.#trainings.set(number, new TrainingStep(this, this.#pool, updates));
  }

  async step(order: StepOrder, ask: Asking): Promise<StepResult> {
    return this.#trainings.get(order.updates)!.run(order, ask, this.#collective);
  }

  async join(place: CollectiveModule): Promise<undefined> {
    this.#collective = await openCollective(place);
    await broadcastState(
      this.#collective,
      [...this.#state].map(([name, { data }]) => [name, data] as const),
    );
  }

  async sumNumbers(numbers: readonly number[]): Promise<readonly number[]> {
    return sumNumbers(this.#collective, numbers);
  }

  async leave(): Promise<undefined> {
    await this.#collective?.close?.();
  }

  /** Starts to measure; later calls return the least times of the programs' calls so far. */
  async profile(): Promise<readonly Timing[]> {
    this.#measures = true;
    return [...this.#programs.values()].flatMap(({ profile }) => profile.timings());
  }

  execute(program: number, inputs: Values): Prepared {
    const prepared = this.#programs.get(program)!;
    this.#run(prepared, inputs, 0);
    return prepared;
  }

  async executeInHalves(
    program: number,
    inputs: Values,
    complete: (values: Values) => Promise<Values>,
  ): Promise<Prepared> {
    const prepared = this.#programs.get(program)!;
    const { at, outputs } = prepared.midway!;
    this.#run(prepared, inputs, 0, at);
    this.#run(prepared, await complete(copies(outputs)), at);
    return prepared;
  }

  /** Makes some of a program's calls, from one to before another. */
  #run({ calls, feeds, profile }: Prepared, inputs: Values, from: number, to?: number): void {
    for (const [name, { data }] of feeds) if (inputs[name]) data.set(inputs[name]);
    const some = calls.slice(from, to);
    if (this.#measures) profile.run(some, from);
    else for (const call of some) call();
  }

  prepared(program: number): Prepared {
    return this.#programs.get(program)!;
  }

  stored(name: string): Stored {
    return this.#state.get(name)!;
  }

  sum(name: string, length: number): Stored {
    const known = this.#sums.get(name) ?? this.store('f32', length);
    this.#sums.set(name, known);
    return known;
  }

  /** Allocates zeros outside of JavaScript's heap. */
  store(dtype: DType, length: number): Stored {
    const bytes = length * bytesOf(dtype);
    const address = this.#memory.allocate(bytes);
    return { address, data: typed(this.#memory.bytes(address, bytes), dtype) };
  }

  #constant(bytes: Uint8Array): bigint {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    let address = this.#constants.get(key);
    if (address === undefined) {
      address = this.#memory.allocate(bytes.length);
      this.#memory.bytes(address, bytes.length).set(bytes);
      this.#constants.set(key, address);
    }
    return address;
  }
}

const copies = (stored: Prepared['outputs']): Values =>
  Object.fromEntries([...stored].map(([name, { data }]) => [name, data.slice() as TensorData]));

function hostCall(
  { kernel: name, inputs, out, attributes }: Extract<Instruction, { kind: 'host' }>,
  array: (view: View) => Stored,
): () => void {
  const kernel = hostKernel(name);
  const [sources, target] = [inputs.map((view) => array(view).data), array(out).data];
  return () => kernel(sources, target, inputs, out, attributes);
}
