import type { ArrayInfo, Program } from '../../graph/program.ts';
import type { Values } from '../../graph/tensor.ts';
import type { CollectiveModule } from '../collective.ts';
import type { Complete, DisposeOptions, Session, StepResult, StepTime, TrainingPlan } from '../engine.ts';
import { requireComplete } from '../host/midway.ts';
import { checkRun, checkStep, checkWrite, infoOf, missingSlots, requireKnown } from '../host/state.ts';
import { updatesOf } from '../host/updates.ts';
import type { TimedSession, Timing } from '../timing.ts';
import { lower, type Precision } from './lower.ts';
import type { MidwayQuestion } from './messages.ts';
import type { ProcessClient } from './process-client.ts';

/** A session whose state lives in the engine's process. Programs are planned on first use. */
export class OneDnnSession implements Session, TimedSession {
  readonly #client: ProcessClient;
  readonly #precision: Precision;
  readonly #state = new Map<string, ArrayInfo>();
  /** Plan numbers of a program, by the inputs passed with each run. */
  readonly #compiled = new Map<Program, Map<string, Promise<number>>>();
  /** Numbers of a plan's updates. */
  readonly #plans = new Map<TrainingPlan, Promise<number>>();
  #count = 0;
  #joined = false;

  constructor(client: ProcessClient, precision: Precision) {
    this.#client = client;
    this.#precision = precision;
  }

  /** Adds tensors to the state. */
  async add(values: Values): Promise<void> {
    for (const [name, data] of Object.entries(values)) {
      this.#state.set(name, infoOf(data));
      await this.#client.request('write', { [name]: data });
    }
  }

  async run(program: Program, inputs: Values): Promise<Values> {
    checkRun(program, inputs, this.#info);
    return this.#client.request('run', {
      program: await this.#compile(program, Object.keys(inputs)),
      inputs,
    });
  }

  async step(
    plan: TrainingPlan,
    batches: readonly Values[],
    at: StepTime,
    complete?: Complete,
  ): Promise<StepResult> {
    checkStep(plan, batches, this.#info);
    requireComplete(plan, complete);
    const { gradients, midway } = plan;
    for (const batch of batches) checkRun(midway ?? gradients, batch, this.#info);
    // Requested together: the engine allocates memory while the program is written.
    const [updates, program] = await Promise.all([
      this.#prepare(plan),
      this.#compile(gradients, Object.keys(batches[0]!), midway),
    ]);
    const scalars = plan.rule.scalars(at.step, at.lr);
    const ask = async ({ part, values }: MidwayQuestion) => {
      const made = await complete!(values, part);
      checkRun(gradients, { ...batches[part], ...made }, this.#info);
      return made;
    };
    return this.#client.request('step', { program, updates, batches, scalars, numbers: at.numbers }, ask);
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
    for (const [name, data] of Object.entries(values)) await this.#client.request('write', { [name]: data });
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
    return this.#client.request('profile', undefined);
  }

  readonly #info = (name: string) => this.#state.get(name);

  /**
   * @param names inputs passed with the run; others are read from the state
   * @param midway values from which the caller makes the rest of the inputs
   */
  #compile(program: Program, names: readonly string[], midway?: Program): Promise<number> {
    const made = midway ? Object.keys(program.inputs).filter((name) => !this.#state.has(name)) : [];
    const feeds = new Set([...names.filter((name) => program.inputs[name]), ...made]);
    const key = [...(midway ? ['midway'] : []), ...[...feeds].sort()].join();
    const plans = this.#compiled.get(program) ?? new Map<string, Promise<number>>();
    this.#compiled.set(program, plans);
    let number = plans.get(key);
    if (!number) {
      const id = this.#count++;
      const plan = lower(program, feeds, this.#precision, midway);
      number = this.#client.request('compile', { program: id, plan }).then(() => id);
      plans.set(key, number);
    }
    return number;
  }

  /** Registers the updates of a plan's weights. The engine adds missing optimizer slots. */
  #prepare(plan: TrainingPlan): Promise<number> {
    let prepared = this.#plans.get(plan);
    if (!prepared) {
      prepared = this.#enterUpdates(plan, this.#plans.size);
      this.#plans.set(plan, prepared);
    }
    return prepared;
  }

  async #enterUpdates(plan: TrainingPlan, number: number): Promise<number> {
    await this.#makeSlots(plan);
    // All inputs of an update's program change from weight to weight.
    const updates = await updatesOf(plan, (program) => this.#compile(program, Object.keys(program.inputs)));
    await this.#client.request('updates', { number, updates });
    return number;
  }

  async #makeSlots(plan: TrainingPlan): Promise<void> {
    const missing = Object.entries(missingSlots(plan, this.#info));
    for (const [name, zeros] of missing) this.#state.set(name, infoOf(zeros));
    await this.#client.request(
      'zeros',
      Object.fromEntries(missing.map(([name, { length }]) => [name, length])),
    );
  }
}
