import type { Values } from '../../graph/tensor.ts';
import { gradientName, type StepResult } from '../backend.ts';
import type { Crew } from './crew.ts';
import type { Engine, Stored } from './engine.ts';
import type { StepOrder, Update } from './messages.ts';

/** One update: gradients of the micro-batches, their norm, and the rule of each weight. */
export class TrainingStep {
  private readonly engine: Engine;
  private readonly crew: Crew;
  private readonly order: StepOrder;

  constructor(engine: Engine, crew: Crew, order: StepOrder) {
    this.engine = engine;
    this.crew = crew;
    this.order = order;
  }

  run(): StepResult {
    const { updates, batches, scalars, clip } = this.order;
    const { metrics, gradients } = this.accumulate();
    const squares = this.crew.sumsOfSquares(gradients.map(arrays));
    const broken = squares.findIndex((sum) => !Number.isFinite(sum));
    const nonFinite =
      Object.keys(metrics).find((name) => !Number.isFinite(metrics[name])) ??
      (broken >= 0 ? gradientName(updates[broken]!.weight) : undefined);
    const gradientNorm = Math.sqrt(squares.reduce((sum, x) => sum + x, 0)) / batches.length;
    if (nonFinite !== undefined) return { metrics, gradientNorm, nonFinite };
    // As torch.nn.utils.clip_grad_norm_ does it.
    const shorten = clip === undefined ? 1 : Math.min(1, clip / (gradientNorm + 1e-6));
    this.update(gradients, { ...scalars, scale: shorten / batches.length });
    return { metrics, gradientNorm };
  }

  /** Runs the micro-batches: metrics averaged, gradients summed, in the order of the updates. */
  private accumulate() {
    const { program, updates, batches } = this.order;
    const names = updates.map(({ weight }) => gradientName(weight));
    const metrics: Record<string, number> = {};
    // Programs that update weights take the memory that gradients lie in.
    const apart = batches.length > 1 || updates.some(({ by }) => 'program' in by);
    let gradients: Stored[] = [];
    for (const [i, batch] of batches.entries()) {
      const { outputs } = this.engine.execute(program, batch);
      for (const [name, { data }] of outputs)
        if (data.length === 1 && !names.includes(name))
          metrics[name] = (metrics[name] ?? 0) + data[0]! / batches.length;
      const results = names.map((name) => outputs.get(name)!);
      if (!apart) gradients = results;
      else if (i === 0) {
        gradients = results.map(({ data }, at) => this.engine.sum(names[at]!, data.length));
        for (const [at, { data }] of gradients.entries()) data.set(results[at]!.data);
      } else
        this.crew.run({
          kind: 'add',
          items: gradients.map((sum, at) => together([sum, results[at]!])),
        });
    }
    return { metrics, gradients };
  }

  private update(gradients: readonly Stored[], scalars: Record<string, number>): void {
    const { updates } = this.order;
    const state = (name: string) => this.engine.stored(name);
    const items = updates.flatMap(({ weight, slots, by }, i) =>
      'kernel' in by
        ? [{ ...together([state(weight), gradients[i]!, ...Object.values(slots).map(state)]), ...by }]
        : [],
    );
    this.crew.run({ kind: 'update', items, scalars });
    for (const [i, update] of updates.entries())
      if ('program' in update.by)
        this.updateBy(update.by.program, update, gradients[i]!.data as Float32Array, scalars);
  }

  private updateBy(
    program: number,
    { weight, slots }: Update,
    gradient: Float32Array,
    scalars: Record<string, number>,
  ): void {
    const places = Object.entries({ ...slots, weight });
    const now: Values = Object.fromEntries(
      places.map(([name, at]) => [name, this.engine.stored(at).data] as const),
    );
    const numbers = Object.entries(scalars).map(([name, x]) => [name, Float32Array.of(x)] as const);
    const { outputs } = this.engine.execute(program, { ...now, ...Object.fromEntries(numbers), gradient });
    for (const [name, at] of places) this.engine.stored(at).data.set(outputs.get(name)!.data);
  }
}

const together = (tensors: readonly Stored[]) => ({
  addresses: tensors.map(({ address }) => address),
  length: tensors[0]!.data.length,
});
const arrays = (tensor: Stored) => together([tensor]);
