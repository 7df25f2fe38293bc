import type { Halves } from '../../graph/passes/halves.ts';
import type { ArrayInfo, Program } from '../../graph/program.ts';
import type { Values } from '../../graph/tensor.ts';
import type { CollectiveModule } from '../collective.ts';
import type { Complete, DisposeOptions, Session, StepResult, StepTime, TrainingPlan } from '../engine.ts';
import { completed } from '../host/midway.ts';
import type { EngineClient } from '../host/requests.ts';
import { checkRun, checkStep, checkWrite, infoOf, missingSlots, requireKnown } from '../host/state.ts';
import { type Updates, updatesOf } from '../host/updates.ts';
import type { TimedSession, Timing } from '../timing.ts';
import { lower, lowerableHalves } from './lower.ts';
import type { CompiledProgram, Port, Requests } from './messages.ts';

/** A session whose state lives on the engine's thread. Programs are compiled on first use. */
export class OnnxSession implements Session, TimedSession {
  readonly #client: EngineClient<Requests>;
  readonly #state = new Map<string, ArrayInfo>();
  readonly #compiled = new Map<Program, Promise<number>>();
  readonly #plans = new Map<TrainingPlan, Promise<Updates>>();
  readonly #halves = new Map<TrainingPlan, Halves>();
  #count = 0;
  #joined = false;
  #profiled = false;

  constructor(client: EngineClient<Requests>) {
    this.#client = client;
  }

  /** Adds tensors to the state. */
  async add(values: Values): Promise<void> {
    for (const [name, data] of Object.entries(values)) this.#state.set(name, infoOf(data));
    await this.#client.request('write', values);
  }

  async run(program: Program, inputs: Values): Promise<Values> {
    checkRun(program, inputs, this.#info);
    return this.#client.request('run', { program: await this.#compile(program), inputs });
  }

  async step(
    plan: TrainingPlan,
    parts: readonly Values[],
    at: StepTime,
    complete?: Complete,
  ): Promise<StepResult> {
    checkStep(plan, parts, this.#info);
    const halves = parts.length === 1 ? this.#halvesOf(plan) : undefined;
    const batches = await completed(plan, parts, complete, (program, inputs) =>
      halves ? this.#keep(program, halves.first, inputs) : this.run(program, inputs),
    );
    for (const batch of batches) checkRun(plan.gradients, batch, this.#info);
    const updates = await this.#prepare(plan);
    const program = await this.#compile(halves?.second ?? plan.gradients);
    const scalars = plan.rule.scalars(at.step, at.lr);
    return this.#client.request('step', { program, updates, batches, scalars, numbers: at.numbers });
  }

  async sum(numbers: readonly number[]): Promise<readonly number[]> {
    return this.#client.request('sumNumbers', numbers);
  }

  async read(names: readonly string[] = [...this.#state.keys()]): Promise<Values> {
    for (const name of names) requireKnown(name, this.#info);
    return this.#client.request('read', names);
  }

  async write(values: Values): Promise<void> {
    checkWrite(values, this.#info);
    await this.#client.request('write', values);
  }

  /** Joins the ranks of a training run, and takes the state of rank 0. */
  async join(collective: CollectiveModule): Promise<void> {
    await this.#client.request('join', collective);
    this.#joined = true;
  }

  async dispose({ leave = true }: DisposeOptions = {}): Promise<void> {
    if (this.#joined && leave) await this.#client.request('leave', undefined).catch(() => {}); // the engine has ended
    await this.#client.stop();
  }

  async profile(): Promise<readonly Timing[]> {
    if (this.#profiled) return this.#client.request('profile', undefined);
    this.#profiled = true;
    // The profiler only records programs compiled with it, so all programs are compiled again.
    this.#count = 0;
    this.#compiled.clear();
    this.#plans.clear();
    return [];
  }

  /**
   * The halves of a plan's program: the values that both need stay on the engine. Steps of several micro-batches, which save memory, compute
   * the first half twice instead.
   */
  #halvesOf(plan: TrainingPlan): Halves | undefined {
    const { gradients, midway } = plan;
    if (!midway) return undefined;
    const halves = this.#halves.get(plan) ?? lowerableHalves(gradients, midway);
    this.#halves.set(plan, halves);
    return halves;
  }

  async #keep(midway: Program, first: Program, inputs: Values): Promise<Values> {
    checkRun(midway, inputs, this.#info);
    return this.#client.request('run', { program: await this.#compile(first), inputs, keeps: true });
  }

  readonly #info = (name: string) => this.#state.get(name);

  #compile(program: Program): Promise<number> {
    let number = this.#compiled.get(program);
    if (!number) {
      const id = this.#count++;
      const compiled: CompiledProgram = {
        model: lower(program),
        inputs: ports(program.inputs),
        outputs: ports(program.outputs),
      };
      const order = { program: id, compiled, profiled: this.#profiled };
      number = this.#client.request('compile', order).then(() => id);
      this.#compiled.set(program, number);
    }
    return number;
  }

  /** Prepares the update of each weight of a plan, and adds missing optimizer slots to the state. */
  #prepare(plan: TrainingPlan): Promise<Updates> {
    let prepared = this.#plans.get(plan);
    if (!prepared) {
      prepared = this.add(missingSlots(plan, this.#info)).then(() =>
        updatesOf(plan, (program) => this.#compile(program)),
      );
      this.#plans.set(plan, prepared);
    }
    return prepared;
  }
}

function ports(tensors: Program['inputs']): Port[] {
  return Object.entries(tensors).map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
}
