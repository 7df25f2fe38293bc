import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { sizeOf, type TensorData, type Values } from '../../graph/tensor.ts';
import { gradientName, type StepResult } from '../engine.ts';
import { addInto, kernels, sumOfSquares } from '../host/kernels.ts';
import type { Timing } from '../timing.ts';
import {
  type CompiledProgram,
  outputValue,
  type Port,
  type Requests,
  type StepOrder,
  type Update,
} from './messages.ts';
import type { Runtime } from './runtime.ts';

interface Prepared extends Omit<CompiledProgram, 'model'> {
  readonly session: InferenceSession;
  /** Arrays that gradients are written to, made at the first step. */
  gradients?: Map<string, Float32Array>;
  /** The same for micro-batches after the first, whose gradients are then added to those. */
  further?: Map<string, Float32Array>;
}

const elementTypes = { f32: 'float32', i32: 'int32', u8: 'uint8' } as const;

/** What an engine needs of the place where it lives: a thread of Node or the worker of a page. */
export interface EngineHost {
  /** @param native whether the native engine is wanted where there is one */
  load(threads: number, native: boolean): Promise<Runtime>;
  /** Where onnxruntime's profiler writes. Without it programs are not profiled. */
  readonly profiles?: {
    /** Beginning of the name of a new file. */
    prefix(): Promise<string>;
    /** Least times of all operators in all files, which are then removed. */
    read(): Promise<readonly Timing[]>;
  };
}

/** Holds the state and runs programs, on whichever thread it lives. */
export class Engine {
  private readonly host: EngineHost;
  private runtime!: Runtime;
  private threads = 1;
  private readonly state = new Map<string, TensorData>();
  private readonly programs = new Map<number, Prepared>();
  private readonly profiled = new Set<InferenceSession>();

  constructor(host: EngineHost) {
    this.host = host;
  }

  async start({ threads, native }: Requests['start']['take']): Promise<Requests['start']['give']> {
    this.threads = threads;
    this.runtime = await this.host.load(threads, native);
    const { ort: _, ...about } = this.runtime;
    return about;
  }

  async write(values: Values): Promise<undefined> {
    for (const [name, data] of Object.entries(values)) {
      const known = this.state.get(name);
      if (known) known.set(data);
      else this.state.set(name, data);
    }
  }

  async read(names: readonly string[]): Promise<Values> {
    return Object.fromEntries(names.map((name) => [name, this.state.get(name)!.slice() as TensorData]));
  }

  async compile({ program, compiled, profiled }: Requests['compile']['take']): Promise<undefined> {
    const { model, ...ports } = compiled;
    await this.programs.get(program)?.session.release();
    // WebAssembly's profiler writes to the standard output, which is the program's.
    const profiles = profiled && this.runtime.native ? this.host.profiles : undefined;
    const session = await this.open(model, await profiles?.prefix());
    if (profiles) this.profiled.add(session);
    this.programs.set(program, { ...ports, session });
  }

  private open(model: Uint8Array, profile?: string): Promise<InferenceSession> {
    return this.runtime.ort.InferenceSession.create(model, {
      executionProviders: this.runtime.providers ?? [this.runtime.native ? 'cpu' : 'wasm'],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: this.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      enableMemPattern: false,
      logSeverityLevel: 3,
      ...(profile !== undefined && { enableProfiling: true, profileFilePrefix: profile }),
    });
  }

  async run({ program, inputs }: Requests['run']['take']): Promise<Values> {
    const prepared = this.programs.get(program)!;
    const results = await prepared.session.run(this.feeds(prepared, inputs));
    return Object.fromEntries(
      prepared.outputs.map(({ name }) => [name, results[outputValue(name)]!.data as TensorData]),
    );
  }

  async profile(): Promise<readonly Timing[]> {
    for (const session of this.profiled) session.endProfiling();
    this.profiled.clear();
    return (await this.host.profiles?.read()) ?? [];
  }

  async step({ program, updates, batches, scalars, clip }: StepOrder): Promise<StepResult> {
    const prepared = this.programs.get(program)!;
    const { metrics, gradients } = await this.accumulate(prepared, batches);
    let squares = 0;
    let nonFinite = Object.keys(metrics).find((name) => !Number.isFinite(metrics[name]));
    for (const { weight } of updates) {
      const sum = sumOfSquares(gradients.get(gradientName(weight))!);
      if (!Number.isFinite(sum)) nonFinite ??= gradientName(weight);
      squares += sum;
    }
    const gradientNorm = Math.sqrt(squares) / batches.length;
    if (nonFinite !== undefined) return { metrics, gradientNorm, nonFinite };
    // As torch.nn.utils.clip_grad_norm_ does it.
    const shorten = clip === undefined ? 1 : Math.min(1, clip / (gradientNorm + 1e-6));
    const all = { ...scalars, scale: shorten / batches.length };
    for (const update of updates) await this.update(update, gradients.get(gradientName(update.weight))!, all);
    return { metrics, gradientNorm };
  }

  private async update(
    { weight, slots, by }: Update,
    gradient: Float32Array,
    scalars: Record<string, number>,
  ) {
    const state = (name: string) => this.state.get(name) as Float32Array;
    if ('kernel' in by) {
      kernels[by.kernel]!(state(weight), gradient, Object.values(slots).map(state), scalars, by.attributes);
      return;
    }
    const places = Object.entries({ ...slots, weight });
    const numbers = Object.entries(scalars).map(([name, x]) => [name, Float32Array.of(x)] as const);
    const inputs = Object.fromEntries([
      ...places.map(([name, at]) => [name, state(at)] as const),
      ...numbers,
    ]);
    const results = await this.run({ program: by.program, inputs: { ...inputs, gradient } });
    for (const [name, at] of places) state(at).set(results[name] as Float32Array);
  }

  /** Runs the micro-batches: metrics averaged, gradients summed. */
  private async accumulate(prepared: Prepared, batches: readonly Values[]) {
    const metrics: Record<string, number> = {};
    prepared.gradients ??= gradientArrays(prepared.outputs);
    if (batches.length > 1) prepared.further ??= gradientArrays(prepared.outputs);
    const { gradients, further } = prepared;
    for (const [i, batch] of batches.entries()) {
      const target = i === 0 ? gradients : further!;
      const results = await this.runInto(prepared, batch, target);
      for (const { name, shape } of prepared.outputs) {
        if (shape.length > 0) continue;
        metrics[name] =
          (metrics[name] ?? 0) + (results[outputValue(name)]!.data[0] as number) / batches.length;
      }
      if (i > 0) for (const [name, sum] of gradients) addInto(sum, target.get(name)!);
    }
    return { metrics, gradients };
  }

  /** Runs a program with its large outputs written to `target`, without a copy where the runtime can. */
  private async runInto(prepared: Prepared, inputs: Values, target: Map<string, Float32Array>) {
    const feeds = this.feeds(prepared, inputs);
    if (!this.runtime.native) {
      const results = await prepared.session.run(feeds);
      for (const [name, array] of target) array.set(results[outputValue(name)]!.data as Float32Array);
      return results;
    }
    const fetches = Object.fromEntries(
      prepared.outputs.map((port) => {
        const array = target.get(port.name);
        return [outputValue(port.name), array ? this.tensor(port, array) : null];
      }),
    );
    return prepared.session.run(feeds, fetches);
  }

  private feeds({ inputs: ports }: Prepared, inputs: Values): Record<string, Tensor> {
    return Object.fromEntries(
      ports.map((port) => [port.name, this.tensor(port, inputs[port.name] ?? this.state.get(port.name)!)]),
    );
  }

  private tensor({ dtype, shape }: Port, data: TensorData): Tensor {
    return new this.runtime.ort.Tensor(elementTypes[dtype] as 'float32', data as Float32Array, shape);
  }
}

/** An array for each output that is no scalar: those are metrics. */
function gradientArrays(outputs: readonly Port[]): Map<string, Float32Array> {
  const gradients = outputs.filter(({ shape }) => shape.length > 0);
  return new Map(gradients.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))]));
}
