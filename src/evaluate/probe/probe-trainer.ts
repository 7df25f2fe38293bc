import { type Backend, gradientName, type Session, type TrainingPlan } from '../../engines/engine.ts';
import {
  broadcast,
  crossEntropy,
  grad,
  input,
  linear,
  mean,
  type Program,
  program,
  reshape,
  sliceAxis,
  type TensorData,
  total,
  type Values,
} from '../../graph/index.ts';
import type { UpdateRule } from '../../graph/update.ts';
import { RunError } from '../../run/error.ts';
import type { LabelledFeatures } from '../knn/knn.ts';
import { BatchNorm, type LinearHead } from './batch-norm.ts';

export interface ProbeTrainerOptions {
  readonly backend: Backend;
  /** For stacked weights, one for each head, whose learning rates it knows. */
  readonly rule: UpdateRule;
  /** Features and classes that are learned from. */
  readonly train: LabelledFeatures;
  /** Number of classes. */
  readonly classes: number;
  /** Number of heads. */
  readonly heads: number;
  /** Weights that all heads start with, [K, D]; their biases start at 0. */
  readonly start: Float32Array;
  readonly batchSize: number;
  /** Most logits of all heads that are computed at once, to bound memory. Default: 4 million. */
  readonly logitsAtOnce?: number;
}

/**
 * Linear heads on frozen features, behind a batch norm that they share, trained side by side in one graph: they differ in their
 * learning rates only. No head sees another's gradient.
 */
export class ProbeTrainer {
  readonly norm: BatchNorm;
  readonly #options: ProbeTrainerOptions;
  readonly #session: Session;
  readonly #plan: TrainingPlan;
  readonly #rows: number;
  readonly #width: number;
  #steps = 0;

  private constructor(options: ProbeTrainerOptions, session: Session, width: number) {
    const { rule, heads, classes, batchSize, logitsAtOnce = 4e6 } = options;
    this.#options = options;
    this.#session = session;
    this.#width = width;
    this.norm = new BatchNorm(width);
    this.#rows = largestDivisor(batchSize, logitsAtOnce / (heads * classes));
    const gradients = trainingProgram(heads, classes, width, this.#rows);
    const parameters = NAMES.map((name) => ({ name, weightDecay: 0, lrScale: 1 }));
    this.#plan = { gradients, parameters, rule };
  }

  static async open(options: ProbeTrainerOptions): Promise<ProbeTrainer> {
    const { backend, train, heads, start, classes } = options;
    const weight = new Float32Array(heads * start.length);
    for (let head = 0; head < heads; head++) weight.set(start, head * start.length);
    const session = await backend.open({ weight, bias: new Float32Array(heads * classes) });
    return new ProbeTrainer(options, session, train.features.length / train.labels.length);
  }

  /** Inputs of an update on the rows at `indices`, as many as a batch; the batch norm has then seen them. */
  prepare(indices: Int32Array): Values[] {
    const { train, classes } = this.#options;
    const { features, labels } = train;
    const width = this.#width;
    const rows = new Float32Array(indices.length * width);
    const targets = new Float32Array(indices.length * classes);
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i]!;
      const [from, to] = [index * width, i * width];
      for (let column = 0; column < width; column++) rows[to + column] = features[from + column]!;
      targets[i * classes + labels[index]!] = 1;
    }
    this.norm.train(rows);
    if (indices.length === this.#rows) return [{ rows, targets }];
    return Array.from({ length: indices.length / this.#rows }, (_, part) => {
      const [from, to] = [part * this.#rows, (part + 1) * this.#rows];
      return {
        rows: rows.slice(from * width, to * width),
        targets: targets.slice(from * classes, to * classes),
      };
    });
  }

  /** One update. Returns each head's mean loss. @param inputs from `prepare`, which may go on meanwhile with others */
  async update(inputs: readonly Values[], lr: number): Promise<number[]> {
    const at = { step: this.#steps++, lr };
    const { metrics, nonFinite } = await this.#session.step(this.#plan, inputs, at);
    if (nonFinite !== undefined)
      throw new RunError(
        `a probe's ${nonFinite} must be finite, got infinity or NaN: take lower learning rates`,
      );
    return Array.from({ length: this.#options.heads }, (_, i) => metrics[`loss${i}`]!);
  }

  /** The heads with the batch norm folded in: they take features as they are. */
  async heads(): Promise<LinearHead[]> {
    const { heads } = this.#options;
    const { weight, bias } = await this.#session.read(NAMES);
    const part = (all: TensorData, head: number) =>
      all.slice((head * all.length) / heads, ((head + 1) * all.length) / heads) as Float32Array;
    return Array.from({ length: heads }, (_, head) =>
      this.norm.fold({ weight: part(weight!, head), bias: part(bias!, head) }),
    );
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}

/** State: the heads' weights [H, K, D] and biases [H, K]. */
const NAMES = ['weight', 'bias'] as const;

/** rows [B, D], normalised, and targets [B, K] → `loss<i>` of each head, and the gradients of `weight` and `bias`. */
function trainingProgram(heads: number, classes: number, width: number, batch: number): Program {
  const weight = input('weight', [heads, classes, width]);
  const bias = input('bias', [heads, classes]);
  const rows = input('rows', [batch, width]);
  const logits = linear(rows, reshape(weight, [-1, width]), reshape(bias, [-1])); // [B, H · K]
  const targets = reshape(input('targets', [batch, classes]), [batch, 1, classes]);
  const losses = crossEntropy(
    reshape(logits, [batch * heads, classes]),
    reshape(broadcast(targets, [batch, heads, classes]), [batch * heads, classes]),
  );
  const byHead = mean(reshape(losses, [batch, heads]), [0]); // [1, H]
  const scalars = Array.from({ length: heads }, (_, i) => [
    `loss${i}`,
    reshape(sliceAxis(byHead, 1, i, i + 1), []),
  ]);
  const gradients = grad(total(byHead), [weight, bias]);
  return program('probe', {
    ...Object.fromEntries(scalars),
    ...Object.fromEntries(NAMES.map((name, i) => [gradientName(name), gradients[i]!])),
  });
}

function largestDivisor(count: number, most: number): number {
  for (let divisor = Math.max(1, Math.min(count, Math.floor(most))); ; divisor--)
    if (count % divisor === 0) return divisor;
}
