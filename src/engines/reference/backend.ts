import type { Program } from '../../graph/program.ts';
import type { TensorData, Values } from '../../graph/tensor.ts';
import {
  type Backend,
  gradientName,
  type Parameter,
  type Session,
  type StepResult,
  slotName,
  type TrainingPlan,
} from '../engine.ts';
import { checkRun, checkStep, checkWrite, missingSlots, requireKnown } from '../host/state.ts';
import { updateProgram } from '../update-program.ts';
import { describeData, narrow, type ReferenceData, widen } from './data.ts';
import { evaluateProgram } from './evaluate.ts';

/**
 * Plain loops in double precision: slow, obvious, and what the other engines are tested against. Weights and slots are
 * rounded to float32 after each update, as checkpoints hold them, so that a resumed run goes on as it would have.
 */
export const referenceBackend: Backend = {
  name: 'reference',
  description: 'reference (plain loops, float64)',
  open: async (state) => new ReferenceSession(state),
};

class ReferenceSession implements Session {
  /** Floats are doubles, with values that float32 has. */
  private readonly state = new Map<string, ReferenceData>();

  constructor(state: Values) {
    this.put(state);
  }

  async run(program: Program, inputs: Values): Promise<Values> {
    const results = this.evaluate(program, inputs);
    return Object.fromEntries(Object.entries(results).map(([name, data]) => [name, narrow(data)]));
  }

  async step(
    plan: TrainingPlan,
    batches: readonly Values[],
    at: { step: number; lr: number },
  ): Promise<StepResult> {
    checkStep(plan, batches);
    this.put(missingSlots(plan, this.info));
    const { metrics, gradients } = this.differentiate(plan, batches);
    const gradientNorm = lengthOf(Object.values(gradients));
    const nonFinite =
      Object.keys(metrics).find((name) => !Number.isFinite(metrics[name])) ??
      Object.keys(gradients).find((name) => !gradients[name]!.every(Number.isFinite));
    if (nonFinite !== undefined) return { metrics, gradientNorm, nonFinite };
    // As torch.nn.utils.clip_grad_norm_ does it.
    const scale = plan.clip === undefined ? 1 : Math.min(1, plan.clip / (gradientNorm + 1e-6));
    const numbers = Object.entries({ ...plan.rule.scalars(at.step, at.lr), scale });
    const scalars = Object.fromEntries(numbers.map(([name, x]) => [name, Float64Array.of(x)]));
    for (const parameter of plan.parameters) this.update(plan, parameter, gradients, scalars);
    return { metrics, gradientNorm };
  }

  async read(names: readonly string[] = [...this.state.keys()]): Promise<Values> {
    for (const name of names) requireKnown(name, this.info);
    return Object.fromEntries(names.map((name) => [name, narrow(this.state.get(name)!).slice()]));
  }

  async write(values: Values): Promise<void> {
    checkWrite(values, this.info);
    this.put(values);
  }

  async dispose(): Promise<void> {
    this.state.clear();
  }

  private readonly info = (name: string) => describeData(this.state.get(name));

  /** Keeps copies. */
  private put(values: Values): void {
    for (const [name, data] of Object.entries(values))
      this.state.set(name, widen(data.slice() as TensorData));
  }

  /** Metrics and gradients by output name, averaged over the micro-batches. */
  private differentiate({ gradients: program, parameters }: TrainingPlan, batches: readonly Values[]) {
    const results = batches.map((batch) => this.evaluate(program, batch));
    const averageOf = (name: string) => average(results.map((result) => result[name]!));
    const names = parameters.map(({ name }) => gradientName(name));
    const scalars = Object.keys(program.outputs).filter((name) => !names.includes(name));
    return {
      metrics: Object.fromEntries(scalars.map((name) => [name, averageOf(name)[0]!])),
      gradients: Object.fromEntries(names.map((name) => [name, averageOf(name)])),
    };
  }

  /** Replaces one weight and its slots. */
  private update(
    { rule, gradients: { inputs } }: TrainingPlan,
    parameter: Parameter,
    gradients: Record<string, Float64Array>,
    scalars: Record<string, Float64Array>,
  ): void {
    const { name } = parameter;
    const keys = new Map([
      ['weight', name],
      ...rule.slots.map((slot) => [slot, slotName(slot, name)] as const),
    ]);
    const state = Object.fromEntries([...keys].map(([input, key]) => [input, this.state.get(key)!]));
    const next = evaluateProgram(updateProgram(rule, inputs[name]!.shape, parameter), {
      ...state,
      gradient: gradients[gradientName(name)]!,
      ...scalars,
    });
    for (const [output, key] of keys) this.state.set(key, widen(narrow(next[output]!)));
  }

  private evaluate(program: Program, inputs: Values): Record<string, ReferenceData> {
    checkRun(program, inputs, this.info);
    return evaluateProgram(program, { ...Object.fromEntries(this.state), ...inputs });
  }
}

/** Mean of arrays of one length. */
function average(arrays: readonly ReferenceData[]): Float64Array {
  return Float64Array.from(
    arrays[0]!,
    (_, i) => arrays.reduce((sum, array) => sum + array[i]!, 0) / arrays.length,
  );
}

/** Euclidean norm of all values together. */
function lengthOf(arrays: readonly Float64Array[]): number {
  return Math.sqrt(arrays.reduce((sum, array) => array.reduce((so, x) => so + x * x, sum), 0));
}
