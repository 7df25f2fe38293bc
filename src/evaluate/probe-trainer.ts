import { type Backend, gradientName, type Session, type TrainingPlan } from '../backends/backend.ts';
import {
  add,
  average,
  broadcast,
  concat,
  crossEntropy,
  grad,
  input,
  linear,
  type Program,
  program,
  reshape,
  sliceAxis,
  type Values,
} from '../graph/index.ts';
import type { UpdateRule } from '../graph/update.ts';
import { RunError } from '../train/error.ts';
import { BatchNorm, type LinearHead } from './batch-norm.ts';
import type { LabelledFeatures } from './knn.ts';

export interface ProbeTrainerOptions {
  readonly backend: Backend;
  /** Made anew for each trainer. */
  readonly rule: UpdateRule;
  /** Features and classes that are learned from. */
  readonly train: LabelledFeatures;
  /** Number of classes. */
  readonly classes: number;
  /** One head is trained for each, with this times the step's learning rate. */
  readonly rates: readonly number[];
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
    const { rule, rates, classes, batchSize, logitsAtOnce = 4e6 } = options;
    this.#options = options;
    this.#session = session;
    this.#width = width;
    this.norm = new BatchNorm(width);
    this.#rows = largestDivisor(batchSize, logitsAtOnce / (rates.length * classes));
    const parameters = rates.flatMap((rate, i) =>
      headNames(i).map((name) => ({ name, weightDecay: 0, lrScale: rate })),
    );
    const gradients = trainingProgram(rates.length, classes, width, this.#rows);
    this.#plan = { gradients, parameters, rule };
  }

  static async open(options: ProbeTrainerOptions): Promise<ProbeTrainer> {
    const { backend, train, rates, start, classes } = options;
    const state = rates.flatMap((_, i) => {
      const [weight, bias] = headNames(i);
      return [
        [weight, start.slice()], // an engine may keep the array itself
        [bias, new Float32Array(classes)],
      ] as const;
    });
    const session = await backend.open(Object.fromEntries(state));
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
    return this.#options.rates.map((_, i) => metrics[`loss${i}`]!);
  }

  /** The heads with the batch norm folded in: they take features as they are. */
  async heads(): Promise<LinearHead[]> {
    const state = await this.#session.read();
    return this.#options.rates.map((_, i) => {
      const [weight, bias] = headNames(i).map((name) => state[name] as Float32Array);
      return this.norm.fold({ weight: weight!, bias: bias! });
    });
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}

const headNames = (i: number) => [`head${i}.weight`, `head${i}.bias`] as const;

/** rows [B, D], normalised, and targets [B, K] → `loss<i>` of each head, and the gradients of their weights. */
function trainingProgram(heads: number, classes: number, width: number, batch: number): Program {
  const weights = Array.from({ length: heads }, (_, i) => {
    const [weight, bias] = headNames(i);
    return [input(weight, [classes, width]), input(bias, [classes])] as const;
  });
  const logits = linear(
    input('rows', [batch, width]),
    concat(
      weights.map(([weight]) => weight),
      0,
    ),
    concat(
      weights.map(([, bias]) => bias),
      0,
    ),
  ); // [B, H · K]
  const targets = reshape(input('targets', [batch, classes]), [batch, 1, classes]);
  const losses = crossEntropy(
    reshape(logits, [batch * heads, classes]),
    reshape(broadcast(targets, [batch, heads, classes]), [batch * heads, classes]),
  );
  const byHead = reshape(losses, [batch, heads]);
  const means = weights.map((_, i) => average(sliceAxis(byHead, 1, i, i + 1)));
  const all = weights.flat();
  const gradients = grad(
    means.reduce((sum, loss) => add(sum, loss)),
    all,
  );
  const names = weights.flatMap((_, i) => headNames(i));
  return program('probe', {
    ...Object.fromEntries(means.map((loss, i) => [`loss${i}`, loss])),
    ...Object.fromEntries(names.map((name, i) => [gradientName(name), gradients[i]!])),
  });
}

function largestDivisor(count: number, most: number): number {
  for (let divisor = Math.max(1, Math.min(count, Math.floor(most))); ; divisor--)
    if (count % divisor === 0) return divisor;
}
