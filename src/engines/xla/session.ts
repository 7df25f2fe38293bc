import type { Program } from '../../graph/program.ts';
import { GraphError, sizeOf, type TensorData, type Values } from '../../graph/tensor.ts';
import { plural } from '../../text/plural.ts';
import type { Complete, Session, StepResult, TrainingPlan } from '../engine.ts';
import { gradientName } from '../engine.ts';
import { completed } from '../host/midway.ts';
import { checkRun, checkStep, checkWrite, infoOf, missingSlots, requireKnown } from '../host/state.ts';
import type { AttentionChoice } from './attention-choice.ts';
import type { Compiler } from './compiler.ts';
import type { KernelChoice } from './kernel-choice.ts';
import { checkMemory } from './memory-check.ts';
import { Buffer } from './pjrt/buffer.ts';
import type { Client, Device } from './pjrt/client.ts';
import type { Executable } from './pjrt/executable.ts';
import type { Address } from './pjrt/struct.ts';
import { RunProgram } from './run-program.ts';
import type { LowerOptions } from './stablehlo/lower.ts';
import { type StepModule, stepModule } from './step-module.ts';

/** How programs are lowered. Kernels and the form of attention are chosen for each program. */
export interface SessionOptions extends Omit<LowerOptions, 'attention' | 'kernels'> {
  readonly attention: AttentionChoice;
  /** Default: no kernels. */
  readonly kernels?: KernelChoice;
}

interface PreparedStep extends StepModule {
  readonly executable: Executable;
}

/** A step that the devices compute or will compute. */
interface Dispatched {
  readonly prepared: PreparedStep;
  /** The step's array of numbers. */
  readonly summary: Buffer;
  /** Settles when the step is computed. */
  readonly done: Promise<void>;
  /** Settle when the inputs are copied. */
  readonly sent: readonly Promise<void>[];
}

/** A step whose inputs are on their way. */
interface HeldStep {
  readonly release: () => void;
  readonly dispatched: Promise<Dispatched>;
}

/**
 * A session whose state is replicated on its devices. Steps are dispatched in order without waiting. To keep the
 * devices busy, a caller requests steps before it awaits earlier results: while one step computes, the next one is in
 * the device's queue, and the inputs of a third one wait to be copied.
 */
export class XlaSession implements Session {
  readonly stepsAtOnce = 3;
  readonly #client: Client;
  readonly #compiler: Compiler;
  readonly #devices: readonly Device[];
  readonly #options: SessionOptions;
  /** Flat arrays, by name and device. */
  readonly #state = new Map<string, readonly Buffer[]>();
  readonly #programs = new Map<Program, Promise<RunProgram>>();
  readonly #steps = new Map<TrainingPlan, Map<number, Promise<PreparedStep>>>();
  /** Settles when all earlier requests are dispatched, except for a held step. */
  #last: Promise<unknown> = Promise.resolve();
  /** The last step, if it is not yet dispatched. */
  #held: HeldStep | undefined;
  /** Settles when the devices have computed all dispatched steps. */
  #idle: Promise<unknown> = Promise.resolve();
  #disposed = false;

  constructor(client: Client, compiler: Compiler, devices: readonly Device[], options: SessionOptions) {
    this.#client = client;
    this.#compiler = compiler;
    this.#devices = devices;
    this.#options = options;
  }

  /** Adds or overwrites state tensors. */
  async add(values: Values): Promise<void> {
    const sent: Promise<void>[] = [];
    for (const [name, data] of Object.entries(values)) {
      const { dtype, length } = infoOf(data);
      const buffers = this.#devices.map((device) => this.#client.put(data, [length], dtype, device));
      for (const old of this.#state.get(name) ?? []) old.destroy();
      this.#state.set(name, buffers);
      sent.push(...buffers.map((buffer) => buffer.sent));
    }
    await Promise.all(sent);
  }

  run(program: Program, inputs: Values): Promise<Values> {
    return this.#inTurn(async () => {
      checkRun(program, inputs, this.#info);
      const prepared = await this.#prepareRun(program);
      return prepared.run(inputs, (name) => this.#state.get(name)![0]!);
    });
  }

  async step(
    plan: TrainingPlan,
    parts: readonly Values[],
    at: { step: number; lr: number },
    complete?: Complete,
  ): Promise<StepResult> {
    const batches = plan.midway
      ? await completed(plan, parts, complete, (program, inputs) => this.run(program, inputs))
      : parts;
    const { replicas, count } = this.#spread(batches.length);
    const held = await this.#inTurn(async () => {
      checkStep(plan, batches, this.#info);
      for (const batch of batches) checkRun(plan.gradients, batch, this.#info);
      const prepared = await this.#prepareStep(plan, batches[0]!, count);
      const scalars = Float32Array.from(Object.values(plan.rule.scalars(at.step, at.lr)));
      const inputs = this.#devices.map((device, replica) =>
        this.#send(plan, prepared, batches.slice(replica * count, (replica + 1) * count), scalars, device),
      );
      await this.#release();
      return this.#hold(() => this.#dispatch(prepared, inputs, replicas));
    }, 'step');
    const { prepared, summary, done, sent } = await held.dispatched;
    try {
      const [numbers] = await Promise.all([summary.read(), done, ...sent]);
      return resultOf(plan, prepared, numbers);
    } finally {
      summary.destroy();
    }
  }

  read(names: readonly string[] = [...this.#state.keys()]): Promise<Values> {
    return this.#inTurn(async () => {
      for (const name of names) requireKnown(name, this.#info);
      const arrays = await Promise.all(names.map((name) => this.#state.get(name)![0]!.read()));
      return Object.fromEntries(names.map((name, i) => [name, arrays[i]!]));
    });
  }

  write(values: Values): Promise<void> {
    return this.#inTurn(async () => {
      checkWrite(values, this.#info);
      await this.add(values);
    });
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    await this.#inTurn(async () => {
      this.#disposed = true;
    });
    for (const buffers of this.#state.values()) for (const buffer of buffers) buffer.destroy();
    this.#state.clear();
  }

  readonly #info = (name: string) => {
    const buffer = this.#state.get(name)?.[0];
    return buffer && { dtype: buffer.dtype, length: sizeOf(buffer.shape) };
  };

  /** Runs `work` after all earlier requests. Only another step leaves a step held. */
  #inTurn<T>(work: () => Promise<T>, kind: 'step' | 'other' = 'other'): Promise<T> {
    const done = this.#last.then(async () => {
      if (this.#disposed) throw new GraphError('a session must not be used after it was disposed');
      if (kind === 'other') await this.#release();
      return work();
    });
    this.#last = done.catch(() => {});
    return done;
  }

  /**
   * Holds a step back until the next one's inputs are requested or the devices are idle. A GPU's copies wait for all
   * steps that are dispatched before. The next inputs thus wait for the step that computes now, not for the held one,
   * which computes while they are copied.
   */
  #hold(dispatch: () => Promise<Dispatched>): HeldStep {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const dispatched = Promise.race([released, this.#idle]).then(dispatch);
    this.#idle = dispatched.then(({ done }) => done).catch(() => {}); // the caller that awaits the step gets the error
    this.#held = { release, dispatched };
    return this.#held;
  }

  /** Dispatches the held step. */
  async #release(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    held?.release();
    await held?.dispatched.catch(() => {});
  }

  #spread(batches: number): { replicas: number; count: number } {
    const replicas = this.#devices.length;
    if (batches % replicas !== 0)
      throw new GraphError(
        `a step on ${plural(replicas, 'device')} takes a multiple of ${replicas} micro-batches, got ${batches}`,
      );
    return { replicas, count: batches / replicas };
  }

  #prepareRun(program: Program): Promise<RunProgram> {
    let compiled = this.#programs.get(program);
    if (!compiled) {
      compiled = this.#lowering(program).then((options) =>
        RunProgram.prepare(program, this.#client, this.#compiler, this.#devices[0]!, options),
      );
      this.#programs.set(program, compiled);
    }
    return compiled;
  }

  async #lowering(program: Program): Promise<LowerOptions> {
    const { attention, kernels: choice, ...options } = this.#options;
    const kernels = (await choice?.of(program)) ?? false;
    return { ...options, kernels, attention: await attention.of(program, kernels) };
  }

  async #prepareStep(plan: TrainingPlan, batch: Values, count: number): Promise<PreparedStep> {
    const known = this.#steps.get(plan) ?? new Map<number, Promise<PreparedStep>>();
    this.#steps.set(plan, known);
    let compiled = known.get(count);
    if (!compiled) {
      await this.add(missingSlots(plan, this.#info));
      compiled = this.#compileStep(plan, batch, count);
      known.set(count, compiled);
    }
    return compiled;
  }

  async #compileStep(plan: TrainingPlan, batch: Values, count: number): Promise<PreparedStep> {
    const options = await this.#lowering(plan.gradients);
    const form = { ...options, count, replicas: this.#devices.length };
    const module = stepModule(plan, (name) => !(name in batch), form);
    const executable = await this.#compiler.compile(module.text, this.#devices);
    const first = module.batch[0];
    const size = first === undefined ? 1 : (plan.gradients.inputs[first]!.shape[0] ?? 1);
    checkMemory(executable.memory(), this.#client.memory(this.#devices[0]!), size);
    return { ...module, executable };
  }

  /** Starts to copy one device's share of a step's inputs. */
  #send(
    plan: TrainingPlan,
    { batch }: PreparedStep,
    batches: readonly Values[],
    scalars: Float32Array,
    device: Device,
  ): Buffer[] {
    const buffers = batch.map((name) => {
      const { shape, dtype } = plan.gradients.inputs[name]!;
      const parts = batches.map((each) => each[name]!);
      const stacked = parts.length === 1 ? shape : [parts.length, ...shape];
      return this.#client.put(parts.length === 1 ? parts[0]! : joined(parts), stacked, dtype, device);
    });
    return [...buffers, this.#client.put(scalars, [scalars.length], 'f32', device)];
  }

  /** Starts a step. The state becomes the step's results. */
  async #dispatch(
    prepared: PreparedStep,
    inputs: readonly Buffer[][],
    replicas: number,
  ): Promise<Dispatched> {
    const { updated, read, executable } = prepared;
    const lists = inputs.map((sent, replica): Address[] => [
      ...[...updated, ...read].map((name) => this.#state.get(name)![replica]!.handle),
      ...sent.map(({ handle }) => handle),
    ]);
    const { outputs, done } = await executable.execute(lists);
    updated.forEach((name, i) => {
      const before = this.#state.get(name)!;
      const after = before.map(
        ({ shape, dtype }, replica) => new Buffer(this.#client.api, outputs[replica]![i]!, shape, dtype),
      );
      for (const buffer of before) buffer.destroy();
      this.#state.set(name, after);
    });
    const sent = inputs.flat().map((buffer) => buffer.sent);
    for (const buffer of inputs.flat()) buffer.destroy();
    const length = prepared.summary;
    const summaries = Array.from(
      { length: replicas },
      (_, replica) => new Buffer(this.#client.api, outputs[replica]!.at(-1)!, [length], 'f32'),
    );
    for (const summary of summaries.slice(1)) summary.destroy();
    return { prepared, summary: summaries[0]!, done, sent };
  }
}

/** Parses a step's array of numbers. */
function resultOf(plan: TrainingPlan, { metrics }: PreparedStep, numbers: TensorData): StepResult {
  const values = Object.fromEntries(metrics.map((name, i) => [name, numbers[i]!]));
  const squares = Array.from(numbers).slice(metrics.length, metrics.length + plan.parameters.length);
  const gradientNorm = Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
  const keys = [
    ...metrics,
    ...plan.parameters.map(({ name }) => gradientName(name)),
    ...Object.keys(plan.state ?? {}),
  ];
  const nonFinite = keys.find((_, i) => !Number.isFinite(numbers[i]!));
  return { metrics: values, gradientNorm, ...(nonFinite !== undefined && { nonFinite }) };
}

/** Concatenates arrays of one type. */
function joined(parts: readonly TensorData[]): TensorData {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const all = new (parts[0]!.constructor as new (length: number) => TensorData)(length);
  parts.reduce((at, part) => {
    all.set(part, at);
    return at + part.length;
  }, 0);
  return all;
}
