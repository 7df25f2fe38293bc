import { dtypeOf, GraphError, input, type TensorData, type Values } from '../../graph/index.ts';
import { type ArrayInfo, checkInputs, type Program } from '../../graph/program.ts';
import { type Session, type StepResult, slotName, type TrainingPlan } from '../backend.ts';
import { kernels } from './kernels.ts';
import { lower } from './lower.ts';
import type { CompiledProgram, KernelUpdate, Port } from './messages.ts';
import type { WorkerClient } from './worker-client.ts';

/** State on the engine's thread; programs are compiled when first used. */
export class OnnxSession implements Session {
  private readonly client: WorkerClient;
  private readonly state = new Map<string, ArrayInfo>();
  private readonly compiled = new Map<Program, Promise<number>>();
  private readonly plans = new Map<TrainingPlan, Promise<readonly KernelUpdate[]>>();

  constructor(client: WorkerClient) {
    this.client = client;
  }

  /** Adds tensors to the state. */
  async add(values: Values): Promise<void> {
    for (const [name, data] of Object.entries(values)) this.state.set(name, infoOf(data));
    await this.client.request('write', values);
  }

  async run(program: Program, inputs: Values): Promise<Values> {
    this.check(program, inputs);
    return this.client.request('run', { program: await this.compile(program), inputs });
  }

  async step(
    plan: TrainingPlan,
    batches: readonly Values[],
    at: { step: number; lr: number },
  ): Promise<StepResult> {
    for (const batch of batches) this.check(plan.gradients, batch);
    const updates = await this.prepare(plan);
    const program = await this.compile(plan.gradients);
    const scalars = plan.rule.scalars(at.step, at.lr);
    return this.client.request('step', { program, updates, batches, scalars, clip: plan.clip });
  }

  async read(names: readonly string[] = [...this.state.keys()]): Promise<Values> {
    for (const name of names) this.known(name);
    return this.client.request('read', names);
  }

  async write(values: Values): Promise<void> {
    for (const [name, data] of Object.entries(values)) {
      const { dtype, length } = this.known(name);
      if (length !== data.length || dtype !== dtypeOf(data))
        throw new GraphError(
          `state "${name}" holds ${length} values of ${dtype}, got ${data.length} of ${dtypeOf(data)}`,
        );
    }
    await this.client.request('write', values);
  }

  async dispose(): Promise<void> {
    await this.client.stop();
  }

  private check(program: Program, inputs: Values): void {
    checkInputs(program, (name) => (inputs[name] ? infoOf(inputs[name]) : this.state.get(name)));
  }

  private known(name: string): ArrayInfo {
    const info = this.state.get(name);
    if (!info) throw new GraphError(`the state has no "${name}"`);
    return info;
  }

  private compile(program: Program): Promise<number> {
    let number = this.compiled.get(program);
    if (!number) {
      const id = this.compiled.size;
      const compiled: CompiledProgram = {
        model: lower(program),
        inputs: ports(program.inputs),
        outputs: ports(program.outputs),
      };
      number = this.client.request('compile', { program: id, compiled }).then(() => id);
      this.compiled.set(program, number);
    }
    return number;
  }

  /** Finds the kernels of a plan's updates and makes room for the slots they need. */
  private prepare(plan: TrainingPlan): Promise<readonly KernelUpdate[]> {
    let prepared = this.plans.get(plan);
    if (!prepared) {
      prepared = this.makeUpdates(plan);
      this.plans.set(plan, prepared);
    }
    return prepared;
  }

  private async makeUpdates({ parameters, rule, gradients }: TrainingPlan): Promise<readonly KernelUpdate[]> {
    const missing: Values = {};
    const updates = parameters.map(({ name, ...group }) => {
      const slots = rule.slots.map((slot) => slotName(slot, name));
      for (const slot of slots)
        if (!this.state.has(slot)) missing[slot] = new Float32Array(this.known(name).length);
      const { shape } = gradients.inputs[name]!;
      const scalars = Object.fromEntries(
        [...Object.keys(rule.scalars(0, 0)), 'scale'].map((key) => [key, input(key, [])]),
      );
      const { weight } = rule.build(
        input('weight', shape),
        input('gradient', shape),
        rule.slots.map((slot) => input(slot, shape)),
        scalars,
        group,
      );
      const { operation, attributes } = weight.node;
      if (!kernels[operation.name])
        throw new GraphError(
          `the onnx engine updates by ${Object.keys(kernels).join(', ')}, got ${operation.name}`,
        );
      return { kernel: operation.name, weight: name, slots, attributes };
    });
    await this.add(missing);
    return updates;
  }
}

const infoOf = (data: TensorData): ArrayInfo => ({ dtype: dtypeOf(data), length: data.length });

function ports(tensors: Program['inputs']): Port[] {
  return Object.entries(tensors).map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
}
