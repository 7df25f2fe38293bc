import type { Program } from '../graph/program.ts';
import type { Values } from '../graph/tensor.ts';
import type { ParameterGroup, UpdateRule } from '../graph/update.ts';
import type { CollectiveModule } from './collective.ts';

/** A trained weight: a state tensor that steps update. */
export interface Parameter extends ParameterGroup {
  readonly name: string;
}

/** Everything that a session needs to train. */
export interface TrainingPlan {
  /**
   * Program with scalar outputs (`loss` and other metrics), `grad:<name>` for each parameter, and the outputs that
   * `state` names.
   */
  readonly gradients: Program;
  readonly parameters: readonly Parameter[];
  readonly rule: UpdateRule;
  /** Largest global gradient norm. Longer gradients are scaled down to it. */
  readonly clip?: number | undefined;
  /**
   * State outputs: maps an output of `gradients` to the state tensor that it overwrites (running statistics, a
   * teacher; float32, any shape). All micro-batches of a step read the tensors as they were before the step. The mean
   * of their outputs is written together with the weights, unless the step is not finite.
   */
  readonly state?: Readonly<Record<string, string>> | undefined;
  /**
   * Values in the middle of a step, from which the caller makes the inputs of `gradients` that no batch holds: a program on the
   * graph of `gradients`. Its steps take a `Complete`, and are requested one at a time.
   */
  readonly midway?: Program | undefined;
}

/**
 * Makes the missing inputs of a micro-batch from the outputs of `TrainingPlan.midway`. It must not await the session. If it rejects, the step rejects
 * with the same error.
 * @param part index of the micro-batch
 */
export type Complete = (values: Values, part: number) => Promise<Values>;

export interface StepResult {
  /** Scalar outputs of the gradients' program, averaged over the micro-batches of all ranks. */
  readonly metrics: Record<string, number>;
  /** Global gradient norm before clipping. */
  readonly gradientNorm: number;
  /** The first metric, gradient or state output that was not finite. If set, the step left the state unchanged. */
  readonly nonFinite?: string;
  /** Sums of `StepTime.numbers` over all ranks. Absent without a collective. */
  readonly numbers?: readonly number[];
  /** Time of each rank for its gradients, before it waited for the others. Absent without a collective. */
  readonly milliseconds?: readonly number[];
}

/** Place of a step in a training. */
export interface StepTime {
  /** Number of earlier updates, from 0. */
  readonly step: number;
  /** Learning rate. */
  readonly lr: number;
  /** Numbers of the caller's own that the step sums over all ranks; as many on each rank. */
  readonly numbers?: readonly number[];
}

/** State (weights, optimizer slots, buffers) on an engine, and the programs that use it. */
export interface Session {
  /**
   * Number of steps to request before awaiting the first one's result, so that a fast device never waits for this
   * process. Default: 1. If a step is not finite, later steps start from the state that it left.
   */
  readonly stepsAtOnce?: number;
  /** Runs a program. Inputs missing from `inputs` are read from the state. */
  run(program: Program, inputs: Values): Promise<Values>;
  /**
   * One update from the mean gradient of one or more micro-batches.
   * @param complete needed by a plan with values midway
   */
  step(
    plan: TrainingPlan,
    batches: readonly Values[],
    at: StepTime,
    complete?: Complete,
  ): Promise<StepResult>;
  /**
   * Sums numbers over all ranks between steps; each rank calls it with as many. Absent if the engine takes no
   * collective.
   */
  sum?(numbers: readonly number[]): Promise<readonly number[]>;
  /** Copies of state tensors. Default: all. */
  read(names?: readonly string[]): Promise<Values>;
  /** Overwrites state tensors. Their names must exist and their lengths must match. */
  write(values: Values): Promise<void>;
  /**
   * Ends the session. A session with a collective first waits until all other ranks end theirs.
   * @param options.leave false: ends without the other ranks, after an error. The launcher must end them, because
   * they may wait for sums.
   */
  dispose(options?: DisposeOptions): Promise<void>;
}

export interface DisposeOptions {
  readonly leave?: boolean | undefined;
}

/** An engine. Optimizer slots missing from the state start as zeros. */
export interface Engine {
  readonly name: string;
  /** Engine, version and threads, for messages. */
  readonly description: string;
  /** Type of matrix products, if not float32 always. */
  readonly precision?: 'f32' | 'bf16';
  /** One line for the user if another engine was requested: what is missing. */
  readonly notice?: string;
  open(state: Values, options?: SessionOptions): Promise<Session>;
}

export interface SessionOptions {
  /** Sums over sessions that train together. Default: a single session. */
  readonly collective?: CollectiveModule | undefined;
}

/** State name of an optimizer slot of a weight. */
export function slotName(slot: string, weight: string): string {
  return `${slot}:${weight}`;
}

/** Output name of a weight's gradient. */
export function gradientName(weight: string): string {
  return `grad:${weight}`;
}

export function isGradient(output: string): boolean {
  return output.startsWith(gradientName(''));
}
