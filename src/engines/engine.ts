import type { Program } from '../graph/program.ts';
import type { Values } from '../graph/tensor.ts';
import type { ParameterGroup, UpdateRule } from '../graph/update.ts';
import type { CollectiveModule } from './collective.ts';

/** A trained weight: a state tensor that steps update. */
export interface Parameter extends ParameterGroup {
  readonly name: string;
}

/** All a session needs to train. */
export interface TrainingPlan {
  /** Outputs scalars (`loss` and whatever else is worth a curve), `grad:<name>` for every parameter, and what `state` names. */
  readonly gradients: Program;
  readonly parameters: readonly Parameter[];
  readonly rule: UpdateRule;
  /** Largest norm of all gradients together; longer ones are shortened to it. */
  readonly clip?: number | undefined;
  /**
   * State outputs: tensors beside the parameters (running statistics, a teacher) by the output of `gradients` that overwrites
   * them, float32 of any shape. All micro-batches see the tensors as they were before the step, and the mean of their outputs
   * is written with the weights, unless the step was not finite.
   */
  readonly state?: Readonly<Record<string, string>> | undefined;
}

export interface StepResult {
  /** Scalar outputs of the gradients' program, averaged over the micro-batches of all ranks. */
  readonly metrics: Record<string, number>;
  /** Norm of all gradients together, before clipping. */
  readonly gradientNorm: number;
  /** The first metric, gradient or state output that was not finite. The state is then left as it was. */
  readonly nonFinite?: string;
}

/** State (weights, optimizer slots, buffers) on an engine, and the programs that use it. */
export interface Session {
  /**
   * Steps to ask for before the first one's result is awaited, so that a fast device never waits for this process.
   * Default: 1. Those after a step that was not finite see the state as that one left it.
   */
  readonly stepsAtOnce?: number;
  /** Runs a program; inputs that `inputs` does not give are taken from the state. */
  run(program: Program, inputs: Values): Promise<Values>;
  /**
   * One update from one or more micro-batches, whose gradients are averaged.
   * @param at `step`: number of updates made before this one; `lr`: its learning rate
   */
  step(plan: TrainingPlan, batches: readonly Values[], at: { step: number; lr: number }): Promise<StepResult>;
  /** Copies of state tensors; all of them by default. */
  read(names?: readonly string[]): Promise<Values>;
  /** Overwrites state tensors, of known names and unchanged lengths. */
  write(values: Values): Promise<void>;
  dispose(): Promise<void>;
}

/** An engine. Optimizer slots that the state lacks start as zeros. */
export interface Backend {
  readonly name: string;
  /** What runs, for people: engine, version, threads. */
  readonly description: string;
  /** One line for people where another engine was wanted: what is missing. */
  readonly notice?: string;
  open(state: Values, options?: SessionOptions): Promise<Session>;
}

export interface SessionOptions {
  /** Sums over sessions that train together. Default: this one trains alone. */
  readonly collective?: CollectiveModule | undefined;
}

/** Name in the state of an optimizer's slot for a weight. */
export function slotName(slot: string, weight: string): string {
  return `${slot}:${weight}`;
}

/** Name of a weight's gradient among a program's outputs. */
export function gradientName(weight: string): string {
  return `grad:${weight}`;
}

export function isGradient(output: string): boolean {
  return output.startsWith(gradientName(''));
}
