import type { Program } from '../../graph/program.ts';
import { GraphError, sizeOf, type TensorData, type Values } from '../../graph/tensor.ts';
import type { Collective } from '../collective.ts';
import {
  type Complete,
  type DisposeOptions,
  type Engine,
  gradientName,
  type Parameter,
  type Session,
  type StepResult,
  type StepTime,
  slotName,
  type TrainingPlan,
} from '../engine.ts';
import { broadcastState, sumNumbers } from '../host/all-reduce.ts';
import { addInto } from '../host/kernels.ts';
import { completed } from '../host/midway.ts';
import { openCollective } from '../host/open-collective.ts';
import { checkRun, checkStep, checkWrite, missingSlots, requireKnown } from '../host/state.ts';
import { TaskQueue } from '../host/task-queue.ts';
import { trainingStep } from '../host/training-step.ts';
import { updateProgram } from '../update-program.ts';
import { describeData, narrow, type ReferenceData, widen } from './data.ts';
import { evaluateProgram } from './evaluate.ts';

/**
 * Plain loops in double precision: slow and simple; the other engines are tested against it. Weights and slots are
 * rounded to float32 after each update, as in checkpoints, so that a resumed run continues exactly.
 */
export const referenceEngine: Engine = {
  name: 'reference',
  description: 'reference (plain loops, float64)',
  async open(state, { collective } = {}) {
    const session = new ReferenceSession(state, collective && (await openCollective(collective)));
    await session.join();
    return session;
  },
};

class ReferenceSession implements Session {
  /** Float64 arrays that hold float32 values. */
  readonly #state = new Map<string, ReferenceData>();

  readonly #collective: Collective | undefined;
  readonly #queue = new TaskQueue();
  #disposed = false;

  constructor(state: Values, collective: Collective | undefined) {
    this.#collective = collective;
    this.#put(state);
  }

  run(program: Program, inputs: Values): Promise<Values> {
    return this.#inTurn(() => this.#run(program, inputs));
  }

  /** Takes the state of rank 0. */
  async join(): Promise<void> {
    if (this.#collective) await broadcastState(this.#collective, this.#state);
  }

  step(plan: TrainingPlan, parts: readonly Values[], at: StepTime, complete?: Complete): Promise<StepResult> {
    return this.#inTurn(async () => {
      checkStep(plan, parts, this.#info);
      const batches = await completed(plan, parts, complete, (program, inputs) => this.#run(program, inputs));
      this.#put(missingSlots(plan, this.#info));
      const { gradients: program, parameters, rule, state = {}, clip } = plan;
      const weights = parameters.map(({ name }) => name);
      const gradients = weights.map((name) => this.#zeros(program, gradientName(name)));
      const outputs = Object.keys(state).map((name) => this.#zeros(program, name));
      const names = [...weights.map(gradientName), ...Object.keys(state)];
      const metrics = Object.keys(program.outputs).filter((name) => !names.includes(name));
      return trainingStep(
        {
          accumulate: (batch) => {
            const results = this.#evaluate(program, batch);
            for (const [i, sum] of [...gradients, ...outputs].entries()) addInto(sum, results[names[i]!]!);
            return Object.fromEntries(metrics.map((name) => [name, results[name]![0]!]));
          },
          sums: () => ({ gradients, state: outputs }),
          runningSquares: () => {
            let sum = 0;
            return gradients.map((x) => {
              for (const value of x) sum += value * value;
              return sum;
            });
          },
          overwrite: (name, values) => this.#put({ [name]: Float32Array.from(values) }),
          update: (scalars) => {
            const numbers = Object.entries(scalars).map(([name, x]) => [name, Float64Array.of(x)]);
            parameters.forEach((parameter, i) => {
              this.#update(plan, parameter, gradients[i]!, Object.fromEntries(numbers));
            });
          },
        },
        { batches, weights, state, clip, scalars: rule.scalars(at.step, at.lr), numbers: at.numbers },
        this.#collective,
      );
    });
  }

  sum(numbers: readonly number[]): Promise<readonly number[]> {
    return this.#inTurn(() => sumNumbers(this.#collective, numbers));
  }

  read(names?: readonly string[]): Promise<Values> {
    return this.#inTurn(() => {
      const wanted = names ?? [...this.#state.keys()];
      for (const name of wanted) requireKnown(name, this.#info);
      return Object.fromEntries(wanted.map((name) => [name, narrow(this.#state.get(name)!).slice()]));
    });
  }

  write(values: Values): Promise<void> {
    return this.#inTurn(() => {
      checkWrite(values, this.#info);
      this.#put(values);
    });
  }

  dispose({ leave = true }: DisposeOptions = {}): Promise<void> {
    return this.#queue.add(async () => {
      if (this.#disposed) return;
      this.#disposed = true;
      this.#state.clear();
      if (leave) await this.#collective?.close?.();
    });
  }

  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    return this.#queue.add(() => {
      if (this.#disposed) throw new GraphError('a session must not be used after it was disposed');
      return work();
    });
  }

  readonly #info = (name: string) => describeData(this.#state.get(name));

  /** Stores copies. */
  #put(values: Values): void {
    for (const [name, data] of Object.entries(values))
      this.#state.set(name, widen(data.slice() as TensorData));
  }

  #zeros({ outputs }: Program, name: string): Float64Array {
    return new Float64Array(sizeOf(outputs[name]!.shape));
  }

  /** Updates one weight and its slots. */
  #update(
    { rule, gradients: { inputs } }: TrainingPlan,
    parameter: Parameter,
    gradient: Float64Array,
    scalars: Record<string, Float64Array>,
  ): void {
    const { name } = parameter;
    const keys = new Map([
      ['weight', name],
      ...rule.slots.map((slot) => [slot, slotName(slot, name)] as const),
    ]);
    const state = Object.fromEntries([...keys].map(([input, key]) => [input, this.#state.get(key)!]));
    const next = evaluateProgram(updateProgram(rule, inputs[name]!.shape, parameter), {
      ...state,
      gradient,
      ...scalars,
    });
    for (const [output, key] of keys) this.#state.set(key, widen(narrow(next[output]!)));
  }

  #run(program: Program, inputs: Values): Values {
    const results = this.#evaluate(program, inputs);
    return Object.fromEntries(Object.entries(results).map(([name, data]) => [name, narrow(data)]));
  }

  #evaluate(program: Program, inputs: Values): Record<string, ReferenceData> {
    checkRun(program, inputs, this.#info);
    return evaluateProgram(program, { ...Object.fromEntries(this.#state), ...inputs });
  }
}
