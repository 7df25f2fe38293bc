import { type DType, dtypeOf, sizeOf, type TensorData, type Values } from '../../graph/tensor.ts';
import { gradientName, type StepResult } from '../backend.ts';
import { addInto, kernels, sumOfSquares } from '../onnx/kernels.ts';
import { hostKernel, typed } from './host-kernels.ts';
import type { Instruction } from './instructions.ts';
import { type Library, loadLibrary } from './library.ts';
import { Memory } from './memory.ts';
import type { Requests, StepOrder, Timing, Update } from './messages.ts';
import { Primitives } from './primitives.ts';
import { Profile } from './profile.ts';
import { bytesOf, type View } from './view.ts';

interface Prepared {
  readonly calls: readonly (() => void)[];
  readonly profile: Profile;
  readonly given: ReadonlyMap<string, TensorData>;
  readonly outputs: ReadonlyMap<string, TensorData>;
  /** Sums of the gradients of several micro-batches, made when first needed. */
  sums?: ReadonlyMap<string, Float32Array>;
}

interface Stored {
  readonly address: bigint;
  readonly data: TensorData;
}

/** Holds the state and runs programs, on whichever thread it lives. */
export class Engine {
  private library!: Library;
  private memory!: Memory;
  private primitives!: Primitives;
  private readonly state = new Map<string, Stored>();
  private readonly constants = new Map<string, bigint>();
  private readonly programs = new Map<number, Prepared>();
  /** Scratch memory that programs take in turns. */
  private scratch = { address: 0n, bytes: 0 };
  private measures = false;

  async start({ threads }: Requests['start']['take']): Promise<Requests['start']['give']> {
    this.library = await loadLibrary();
    this.library.setThreads(threads);
    this.memory = new Memory(this.library);
    return { version: this.library.version, bf16: true };
  }

  async write(values: Values): Promise<undefined> {
    for (const [name, data] of Object.entries(values)) {
      const known = this.state.get(name) ?? this.store(dtypeOf(data), data.length);
      this.state.set(name, known);
      known.data.set(data);
    }
  }

  async zeros(lengths: Requests['zeros']['take']): Promise<undefined> {
    // New memory is zero.
    for (const [name, length] of Object.entries(lengths)) this.state.set(name, this.store('f32', length));
  }

  async read(names: readonly string[]): Promise<Values> {
    return Object.fromEntries(names.map((name) => [name, this.state.get(name)!.data.slice() as TensorData]));
  }

  async compile({ program, plan }: Requests['compile']['take']): Promise<undefined> {
    if (plan.scratchBytes > this.scratch.bytes)
      this.scratch = { address: this.memory.allocate(plan.scratchBytes), bytes: plan.scratchBytes };
    const { address: base } = this.scratch;
    const addresses = new Map<number, bigint>();
    const regionAddress = ({ region }: View): bigint => {
      const known = addresses.get(region.id);
      if (known !== undefined) return known;
      const { source } = region;
      let address: bigint;
      if (source && 'state' in source) address = this.state.get(source.state)!.address;
      else if (source && 'constant' in source) address = this.constant(source.constant);
      else address = base + BigInt(plan.places.get(region.id)!);
      addresses.set(region.id, address);
      return address;
    };
    const addressOf = (view: View) => regionAddress(view) + BigInt(view.offset * bytesOf(view.dtype));
    const array = (view: View) =>
      typed(this.memory.bytes(addressOf(view), sizeOf(view.shape) * bytesOf(view.dtype)), view.dtype);
    this.primitives ??= new Primitives(this.library);
    const calls = plan.instructions.map((instruction) =>
      instruction.kind === 'host'
        ? hostCall(instruction, array)
        : this.primitives.prepare(instruction, addressOf),
    );
    this.programs.set(program, {
      calls,
      profile: new Profile(plan.instructions),
      given: new Map(plan.given.map(({ name, view }) => [name, array(view)])),
      outputs: new Map(plan.outputs.map(({ name, view }) => [name, array(view)])),
    });
  }

  async run({ program, inputs }: Requests['run']['take']): Promise<Values> {
    const prepared = this.programs.get(program)!;
    this.execute(prepared, inputs);
    return Object.fromEntries(
      [...prepared.outputs].map(([name, data]) => [name, data.slice() as TensorData]),
    );
  }

  async step({ program, updates, batches, scalars, clip }: StepOrder): Promise<StepResult> {
    const prepared = this.programs.get(program)!;
    const gradientsOf = updates.map(({ weight }) => gradientName(weight));
    const byPrograms = updates.some(({ by }) => 'program' in by);
    const { metrics, gradients } = this.accumulate(prepared, batches, gradientsOf, byPrograms);
    let squares = 0;
    let nonFinite = Object.keys(metrics).find((name) => !Number.isFinite(metrics[name]));
    for (const name of gradientsOf) {
      const sum = sumOfSquares(gradients.get(name)!);
      if (!Number.isFinite(sum)) nonFinite ??= name;
      squares += sum;
    }
    const gradientNorm = Math.sqrt(squares) / batches.length;
    if (nonFinite !== undefined) return { metrics, gradientNorm, nonFinite };
    // As torch.nn.utils.clip_grad_norm_ does it.
    const shorten = clip === undefined ? 1 : Math.min(1, clip / (gradientNorm + 1e-6));
    const all = { ...scalars, scale: shorten / batches.length };
    for (const update of updates) this.update(update, gradients.get(gradientName(update.weight))!, all);
    return { metrics, gradientNorm };
  }

  /** Begins to measure; afterwards, what the programs' calls took at least. */
  async profile(): Promise<readonly Timing[]> {
    this.measures = true;
    return [...this.programs.values()].flatMap(({ profile }) => profile.timings());
  }

  private update(
    { weight, slots, by }: Update,
    gradient: Float32Array,
    scalars: Record<string, number>,
  ): void {
    const state = (name: string) => this.state.get(name)!.data as Float32Array;
    if ('kernel' in by) {
      kernels[by.kernel]!(state(weight), gradient, Object.values(slots).map(state), scalars, by.attributes);
      return;
    }
    const places = Object.entries({ ...slots, weight });
    const prepared = this.programs.get(by.program)!;
    const numbers = Object.entries(scalars).map(([name, x]) => [name, Float32Array.of(x)] as const);
    const now = places.map(([name, at]) => [name, state(at)] as const);
    this.execute(prepared, Object.fromEntries([...now, ...numbers, ['gradient', gradient]]));
    for (const [name, at] of places) state(at).set(prepared.outputs.get(name) as Float32Array);
  }

  /** Runs the micro-batches: metrics averaged, gradients summed. */
  private accumulate(
    prepared: Prepared,
    batches: readonly Values[],
    names: readonly string[],
    copies: boolean,
  ) {
    const metrics: Record<string, number> = {};
    const results = new Map(names.map((name) => [name, prepared.outputs.get(name) as Float32Array]));
    // Programs that update weights take the memory that gradients lie in.
    const apart = batches.length > 1 || copies;
    if (apart)
      prepared.sums ??= new Map([...results].map(([name, { length }]) => [name, this.floats(length)]));
    const gradients = apart ? prepared.sums! : results;
    for (const [i, batch] of batches.entries()) {
      this.execute(prepared, batch);
      for (const [name, data] of prepared.outputs)
        if (!results.has(name)) metrics[name] = (metrics[name] ?? 0) + data[0]! / batches.length;
      if (gradients === results) continue;
      for (const [name, sum] of gradients)
        if (i === 0) sum.set(results.get(name)!);
        else addInto(sum, results.get(name)!);
    }
    return { metrics, gradients };
  }

  private execute({ calls, given, profile }: Prepared, inputs: Values): void {
    for (const [name, data] of given) data.set(inputs[name]!);
    if (this.measures) profile.run(calls);
    else for (const call of calls) call();
  }

  private floats(length: number): Float32Array {
    return this.store('f32', length).data as Float32Array;
  }

  private store(dtype: DType, length: number): Stored {
    const bytes = length * bytesOf(dtype);
    const address = this.memory.allocate(bytes);
    return { address, data: typed(this.memory.bytes(address, bytes), dtype) };
  }

  private constant(bytes: Uint8Array): bigint {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    let address = this.constants.get(key);
    if (address === undefined) {
      address = this.memory.allocate(bytes.length);
      this.memory.bytes(address, bytes.length).set(bytes);
      this.constants.set(key, address);
    }
    return address;
  }
}

function hostCall(
  { kernel: name, inputs, out, attributes }: Extract<Instruction, { kind: 'host' }>,
  array: (view: View) => TensorData,
): () => void {
  const kernel = hostKernel(name);
  const [sources, target] = [inputs.map(array), array(out)];
  return () => kernel(sources, target, inputs, out, attributes);
}
