import type { Values } from '../../graph/tensor.ts';
import { gradientName, type StepResult } from '../engine.ts';
import type { Crew } from './crew.ts';
import type { StepOrder, Update } from './messages.ts';
import type { EngineMemory, Stored } from './stored.ts';

/** Where gradients lie, and the crew's numbers of them. */
interface Gradients {
  readonly stored: readonly Stored[];
  readonly squares: number;
  /** Weights and slots with their gradients. */
  readonly updates: number;
}

/** The updates of a plan: gradients of the micro-batches, their norm, and the rule of each weight. */
export class TrainingStep {
  private readonly engine: EngineMemory;
  private readonly crew: Crew;
  private readonly weights: readonly Update[];
  private readonly names: ReadonlySet<string>;
  /** By program: what its runs leave. */
  private readonly results = new Map<number, Gradients>();
  /** Over several micro-batches, and by program what adds its results to them. */
  private sums: Gradients | undefined;
  private readonly additions = new Map<number, number>();

  constructor(engine: EngineMemory, crew: Crew, updates: readonly Update[]) {
    this.engine = engine;
    this.crew = crew;
    this.weights = updates;
    this.names = new Set(updates.map(({ weight }) => gradientName(weight)));
  }

  run(order: StepOrder): StepResult {
    const { batches, scalars, clip } = order;
    const { metrics, gradients } = this.accumulate(order);
    const squares = this.crew.sumsOfSquares(gradients.squares);
    const broken = squares.findIndex((sum) => !Number.isFinite(sum));
    const nonFinite =
      Object.keys(metrics).find((name) => !Number.isFinite(metrics[name])) ??
      (broken >= 0 ? gradientName(this.weights[broken]!.weight) : undefined);
    const gradientNorm = Math.sqrt(squares.reduce((sum, x) => sum + x, 0)) / batches.length;
    if (nonFinite !== undefined) return { metrics, gradientNorm, nonFinite };
    // As torch.nn.utils.clip_grad_norm_ does it.
    const shorten = clip === undefined ? 1 : Math.min(1, clip / (gradientNorm + 1e-6));
    this.update(gradients, { ...scalars, scale: shorten / batches.length });
    return { metrics, gradientNorm };
  }

  /** Runs the micro-batches: metrics averaged, gradients summed. */
  private accumulate({ program, batches }: StepOrder) {
    const metrics: Record<string, number> = {};
    // Programs that update weights take the memory that gradients lie in.
    const apart = batches.length > 1 || this.weights.some(({ by }) => 'program' in by);
    for (const [i, batch] of batches.entries()) {
      const { outputs } = this.engine.execute(program, batch);
      for (const [name, { data }] of outputs)
        if (data.length === 1 && !this.names.has(name))
          metrics[name] = (metrics[name] ?? 0) + data[0]! / batches.length;
      if (apart) this.sumUp(program, i === 0);
    }
    return { metrics, gradients: apart ? this.sums! : this.resultsOf(program) };
  }

  private resultsOf(program: number): Gradients {
    let results = this.results.get(program);
    if (!results) {
      const { outputs } = this.engine.prepared(program);
      results = this.enter([...this.names].map((name) => outputs.get(name)!));
      this.results.set(program, results);
    }
    return results;
  }

  /** Adds what a run has left to the sums, or begins them with it. */
  private sumUp(program: number, begins: boolean): void {
    const { stored: results } = this.resultsOf(program);
    this.sums ??= this.enter(
      [...this.names].map((name, at) => this.engine.sum(name, results[at]!.data.length)),
    );
    const { stored } = this.sums;
    if (begins) {
      for (const [at, { data }] of stored.entries()) data.set(results[at]!.data);
      return;
    }
    let entry = this.additions.get(program);
    if (entry === undefined) {
      entry = this.crew.enter(stored.map((sum, at) => together([sum, results[at]!])));
      this.additions.set(program, entry);
    }
    this.crew.run({ kind: 'add', entry });
  }

  private enter(stored: readonly Stored[]): Gradients {
    const state = (name: string) => this.engine.stored(name);
    const updates = this.weights.flatMap(({ weight, slots, by }, i) =>
      'kernel' in by
        ? [{ ...together([state(weight), stored[i]!, ...Object.values(slots).map(state)]), ...by }]
        : [],
    );
    return {
      stored,
      squares: this.crew.enter(stored.map((tensor) => together([tensor]))),
      updates: this.crew.enter(updates),
    };
  }

  private update({ stored, updates }: Gradients, scalars: Record<string, number>): void {
    this.crew.run({ kind: 'update', entry: updates, scalars });
    for (const [i, update] of this.weights.entries())
      if ('program' in update.by)
        this.updateBy(update.by.program, update, stored[i]!.data as Float32Array, scalars);
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
