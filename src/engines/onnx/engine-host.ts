import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { isKept } from '../../graph/passes/halves.ts';
import { sizeOf, type TensorData, type Values } from '../../graph/tensor.ts';
import type { Collective, CollectiveModule } from '../collective.ts';
import { gradientName, type StepResult } from '../engine.ts';
import { broadcastState, sumNumbers } from '../host/all-reduce.ts';
import { addInto, kernels, sumOfSquares } from '../host/kernels.ts';
import { openCollective } from '../host/open-collective.ts';
import { runningSums, trainingStep } from '../host/training-step.ts';
import { type Update, updateByProgram } from '../host/updates.ts';
import type { Timing } from '../timing.ts';
import { type CompiledProgram, outputValue, type Port, type Requests, type StepOrder } from './messages.ts';
import type { Runtime } from './runtime.ts';

interface Prepared extends Omit<CompiledProgram, 'model'> {
  readonly session: InferenceSession;
  /** Buffers of the summed outputs, allocated on first use. */
  readonly sums: Map<string, Float32Array>;
  /** Buffers for the outputs of later micro-batches, which are then added to `sums`. */
  readonly further: Map<string, Float32Array>;
}

const elementTypes = { f32: 'float32', i32: 'int32', u8: 'uint8' } as const;

/** Services of the engine's environment: a thread of Node or a page's worker. */
export interface RuntimeHost {
  /** @param native false: WebAssembly only */
  load(threads: number, native: boolean): Promise<Runtime>;
  /** Output of onnxruntime's profiler. Without it, programs are not profiled. */
  readonly profiles?: {
    /** Path prefix of a new profile. */
    prefix(): Promise<string>;
    /** Reads the least times of all operators in all profiles, and removes the profiles. */
    read(): Promise<readonly Timing[]>;
  };
}

/** Holds the state and runs programs, on any thread. */
export class EngineHost {
  readonly #host: RuntimeHost;
  #runtime!: Runtime;
  #threads = 1;
  readonly #state = new Map<string, TensorData>();
  readonly #kept = new Map<string, TensorData>();
  readonly #programs = new Map<number, Prepared>();
  readonly #profiled = new Set<InferenceSession>();
  #collective: Collective | undefined;

  constructor(host: RuntimeHost) {
    this.#host = host;
  }

  async start({ threads, native }: Requests['start']['take']): Promise<Requests['start']['give']> {
    this.#threads = threads;
    this.#runtime = await this.#host.load(threads, native);
    const { ort: _, ...about } = this.#runtime;
    return about;
  }

  async write(values: Values): Promise<undefined> {
    for (const [name, data] of Object.entries(values)) {
      const known = this.#state.get(name);
      if (known) known.set(data);
      else this.#state.set(name, data);
    }
  }

  async read(names: readonly string[]): Promise<Values> {
    return Object.fromEntries(names.map((name) => [name, this.#state.get(name)!.slice() as TensorData]));
  }

  async compile({ program, compiled, profiled }: Requests['compile']['take']): Promise<undefined> {
    const { model, ...ports } = compiled;
    await this.#programs.get(program)?.session.release();
    // WebAssembly's profiler writes to the standard output, which belongs to the program.
    const profiles = profiled && this.#runtime.native ? this.#host.profiles : undefined;
    const session = await this.#open(model, await profiles?.prefix());
    if (profiles) this.#profiled.add(session);
    this.#programs.set(program, { ...ports, session, sums: new Map(), further: new Map() });
  }

  #open(model: Uint8Array, profile?: string): Promise<InferenceSession> {
    return this.#runtime.ort.InferenceSession.create(model, {
      executionProviders: this.#runtime.providers ?? [this.#runtime.native ? 'cpu' : 'wasm'],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: this.#threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      enableMemPattern: false,
      logSeverityLevel: 3,
      ...(profile !== undefined && { enableProfiling: true, profileFilePrefix: profile }),
    });
  }

  async run({ program, inputs, keeps = false }: Requests['run']['take']): Promise<Values> {
    const prepared = this.#programs.get(program)!;
    if (keeps) return this.#runAndKeep(prepared, inputs);
    const results = await prepared.session.run(this.#feeds(prepared, inputs));
    return Object.fromEntries(
      prepared.outputs.map(({ name }) => [name, results[outputValue(name)]!.data as TensorData]),
    );
  }

  /** Values that the second half of a step needs stay here, in arrays that are used again. */
  async #runAndKeep(prepared: Prepared, inputs: Values): Promise<Values> {
    const { outputs, sums } = prepared;
    const kept = outputs.filter(({ name }) => isKept(name));
    arraysOf(
      kept.filter(({ dtype }) => dtype === 'f32').map(({ name }) => name),
      outputs,
      sums,
    );
    const results = await this.#runInto(prepared, inputs, sums);
    const dataOf = (name: string) => results[outputValue(name)]!.data as TensorData;
    for (const { name } of kept) this.#kept.set(name, sums.get(name) ?? dataOf(name));
    return Object.fromEntries(
      outputs.filter(({ name }) => !isKept(name)).map(({ name }) => [name, dataOf(name)]),
    );
  }

  async profile(): Promise<readonly Timing[]> {
    for (const session of this.#profiled) session.endProfiling();
    this.#profiled.clear();
    return (await this.#host.profiles?.read()) ?? [];
  }

  async join(place: CollectiveModule): Promise<undefined> {
    this.#collective = await openCollective(place);
    await broadcastState(this.#collective, this.#state);
  }

  async sumNumbers(numbers: readonly number[]): Promise<readonly number[]> {
    return sumNumbers(this.#collective, numbers);
  }

  async leave(): Promise<undefined> {
    await this.#collective?.close?.();
  }

  async step({ program, updates, batches, scalars, numbers }: StepOrder): Promise<StepResult> {
    const prepared = this.#programs.get(program)!;
    const { state, clip } = updates;
    const weights = updates.weights.map(({ weight }) => weight);
    const names = [...weights.map(gradientName), ...Object.keys(state)];
    const sums = arraysOf(names, prepared.outputs, prepared.sums);
    const further = batches.length > 1 ? arraysOf(names, prepared.outputs, prepared.further) : [];
    const gradients = sums.slice(0, weights.length);
    const engine = {
      accumulate: async (batch: Values, part: number) => {
        const results = await this.#runInto(prepared, batch, part === 0 ? prepared.sums : prepared.further);
        if (part > 0) for (const [i, sum] of sums.entries()) addInto(sum, further[i]!);
        const metrics = prepared.outputs.filter(({ name }) => !names.includes(name));
        return Object.fromEntries(
          metrics.map(({ name }) => [name, results[outputValue(name)]!.data[0] as number]),
        );
      },
      sums: () => ({ gradients, state: sums.slice(weights.length) }),
      runningSquares: () => runningSums(gradients.map(sumOfSquares)),
      overwrite: (name: string, values: ArrayLike<number>) => this.#state.get(name)!.set(values),
      update: async (numbers: Readonly<Record<string, number>>) => {
        for (const [i, update] of updates.weights.entries())
          await this.#update(update, gradients[i]!, numbers);
      },
    };
    return trainingStep(engine, { batches, weights, state, clip, scalars, numbers }, this.#collective);
  }

  async #update(
    update: Update,
    gradient: Float32Array,
    scalars: Readonly<Record<string, number>>,
  ): Promise<void> {
    const { weight, slots, by } = update;
    const state = (name: string) => this.#state.get(name) as Float32Array;
    if ('kernel' in by)
      kernels[by.kernel]!(state(weight), gradient, Object.values(slots).map(state), scalars, by.attributes);
    else
      await updateByProgram(update, gradient, scalars, state, (inputs) =>
        this.run({ program: by.program, inputs }),
      );
  }

  /** Runs a program. Large outputs are written to `target`, without a copy if the runtime supports it. */
  async #runInto(prepared: Prepared, inputs: Values, target: Map<string, Float32Array>) {
    const feeds = this.#feeds(prepared, inputs);
    if (!this.#runtime.native) {
      const results = await prepared.session.run(feeds);
      for (const [name, array] of target) array.set(results[outputValue(name)]!.data as Float32Array);
      return results;
    }
    const fetches = Object.fromEntries(
      prepared.outputs.map((port) => {
        const array = target.get(port.name);
        return [outputValue(port.name), array ? this.#tensor(port, array) : null];
      }),
    );
    return prepared.session.run(feeds, fetches);
  }

  #feeds({ inputs: ports }: Prepared, inputs: Values): Record<string, Tensor> {
    return Object.fromEntries(
      ports.map((port) => {
        const { name } = port;
        const data = inputs[name] ?? (isKept(name) ? this.#kept : this.#state).get(name)!;
        return [name, this.#tensor(port, data)];
      }),
    );
  }

  #tensor({ dtype, shape }: Port, data: TensorData): Tensor {
    return new this.#runtime.ort.Tensor(elementTypes[dtype] as 'float32', data as Float32Array, shape);
  }
}

/** Buffers of the outputs, allocated if missing. */
function arraysOf(
  names: readonly string[],
  outputs: readonly Port[],
  known: Map<string, Float32Array>,
): Float32Array[] {
  const shapes = new Map(outputs.map(({ name, shape }) => [name, shape]));
  return names.map((name) => {
    const array = known.get(name) ?? new Float32Array(sizeOf(shapes.get(name)!));
    known.set(name, array);
    return array;
  });
}
