import { type Engine, gradientName, type Session, type TrainingPlan } from '../../engines/engine.ts';
import {
  add,
  broadcast,
  crossEntropy,
  grad,
  input,
  matmul,
  mean,
  type Program,
  program,
  reshape,
  sliceAxis,
  sumAll,
  type TensorData,
  type Values,
} from '../../graph/index.ts';
import type { UpdateRule } from '../../graph/update.ts';
import { RunError } from '../../run/error.ts';
import type { LabelledFeatures } from '../knn/knn.ts';
import { BatchNorm, type LinearHead } from './batch-norm.ts';
import type { ProbeState } from './kept-trainings.ts';

export interface ProbeTrainerOptions {
  readonly engine: Engine;
  /** The update rule for stacked weights, with a learning rate for each head; the first set's heads come first. */
  readonly rule: UpdateRule;
  /** The training sets, all with the same number of rows. Each set has separate heads. */
  readonly sets: readonly LabelledFeatures[];
  /** Number of classes. */
  readonly classes: number;
  /** Number of heads per set. */
  readonly heads: number;
  /** Initial weights of all heads, [K, D]. Biases start at 0. */
  readonly start: Float32Array;
  readonly batchSize: number;
  /** Largest number of logits computed at once, to bound memory. Default: 4 million. */
  readonly logitsAtOnce?: number;
  /** The state of an interrupted training: its number of updates, and the result of `state`. */
  readonly from?: (Pick<ProbeState, 'session' | 'norms'> & { readonly step: number }) | undefined;
}

/**
 * Linear heads on frozen features, trained side by side in one graph. Heads of one set share a batch norm and differ in their
 * learning rates only. Heads of different sets are independent. No gradient flows between heads.
 */
export class ProbeTrainer {
  /** The batch norm of each set. */
  readonly norms: readonly BatchNorm[];
  readonly #options: ProbeTrainerOptions;
  readonly #session: Session;
  readonly #plan: TrainingPlan;
  readonly #rows: number;
  readonly #width: number;
  #steps: number;

  private constructor(options: ProbeTrainerOptions, session: Session, width: number) {
    const { rule, sets, heads, classes, batchSize, logitsAtOnce = 4e6 } = options;
    this.#options = options;
    this.#session = session;
    this.#width = width;
    this.norms = sets.map((_, set) => new BatchNorm(width, options.from?.norms[set]));
    this.#steps = options.from?.step ?? 0;
    this.#rows = largestDivisor(batchSize, logitsAtOnce / (sets.length * heads * classes));
    const gradients = trainingProgram(sets.length, heads, classes, width, this.#rows);
    const parameters = NAMES.map((name) => ({ name, weightDecay: 0, lrScale: 1 }));
    this.#plan = { gradients, parameters, rule };
  }

  static async open(options: ProbeTrainerOptions): Promise<ProbeTrainer> {
    const { engine, sets, heads, start, classes, from } = options;
    const { features, labels } = sets[0]!;
    const stacked = sets.length * heads;
    const weight = new Float32Array(stacked * start.length);
    for (let head = 0; head < stacked; head++) weight.set(start, head * start.length);
    const session = await engine.open(from?.session ?? { weight, bias: new Float32Array(stacked * classes) });
    return new ProbeTrainer(options, session, features.length / labels.length);
  }

  /** Makes the inputs of an update from the rows at `indices` of each set (one batch), and updates the batch norms. */
  prepare(indices: Int32Array): Values[] {
    const { sets, classes } = this.#options;
    const width = this.#width;
    const batches = sets.map(({ features, labels }, set) => {
      const rows = new Float32Array(indices.length * width);
      const targets = new Float32Array(indices.length * classes);
      for (let i = 0; i < indices.length; i++) {
        const index = indices[i]!;
        const [from, to] = [index * width, i * width];
        for (let column = 0; column < width; column++) rows[to + column] = features[from + column]!;
        targets[i * classes + labels[index]!] = 1;
      }
      this.norms[set]!.train(rows);
      return { rows, targets };
    });
    const count = this.#rows;
    const cut = (all: Float32Array, part: number) => {
      const size = (count * all.length) / indices.length;
      return all.subarray(part * size, (part + 1) * size);
    };
    return Array.from({ length: indices.length / count }, (_, part) => ({
      rows: joined(batches.map(({ rows }) => cut(rows, part))),
      targets: joined(batches.map(({ targets }) => cut(targets, part))),
    }));
  }

  /** One update. Returns each head's mean loss. @param inputs from `prepare`, which may be called again meanwhile */
  async update(inputs: readonly Values[], lr: number): Promise<number[]> {
    const at = { step: this.#steps++, lr };
    const { metrics, nonFinite } = await this.#session.step(this.#plan, inputs, at);
    if (nonFinite !== undefined)
      throw new RunError(
        `a probe's ${nonFinite} must be finite, got infinity or NaN: use lower learning rates`,
      );
    const { sets, heads } = this.#options;
    return Array.from({ length: sets.length * heads }, (_, i) => metrics[`loss${i}`]!);
  }

  /** Weights, slots and batch norms, from which another trainer can resume. The norms include all prepared batches. */
  async state(): Promise<Pick<ProbeState, 'session' | 'norms'>> {
    return { session: await this.#session.read(), norms: this.norms };
  }

  /** The heads of each set with its batch norm folded in, so that they take raw features. */
  async heads(): Promise<LinearHead[][]> {
    const { heads } = this.#options;
    const { weight, bias } = await this.#session.read(NAMES);
    const stacked = this.norms.length * heads;
    const part = (all: TensorData, head: number) =>
      all.slice((head * all.length) / stacked, ((head + 1) * all.length) / stacked) as Float32Array;
    return this.norms.map((norm, set) =>
      Array.from({ length: heads }, (_, i) => {
        const head = set * heads + i;
        return norm.fold({ weight: part(weight!, head), bias: part(bias!, head) });
      }),
    );
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}

/** State: the heads' weights [S · H, K, D] and biases [S · H, K], of S sets. */
const NAMES = ['weight', 'bias'] as const;

/** rows [S, B, D], normalised, and targets [S, B, K] → `loss<i>` of each head, and the gradients of `weight` and `bias`. */
function trainingProgram(
  sets: number,
  heads: number,
  classes: number,
  width: number,
  batch: number,
): Program {
  const weight = input('weight', [sets * heads, classes, width]);
  const bias = input('bias', [sets * heads, classes]);
  const rows = input('rows', [sets, batch, width]);
  const products = matmul(rows, reshape(weight, [sets, heads * classes, width]), { transposeB: true });
  const logits = add(products, reshape(bias, [sets, 1, heads * classes])); // [S, B, H · K]
  const targets = reshape(input('targets', [sets, batch, classes]), [sets, batch, 1, classes]);
  const losses = crossEntropy(
    reshape(logits, [sets * batch * heads, classes]),
    reshape(broadcast(targets, [sets, batch, heads, classes]), [sets * batch * heads, classes]),
  );
  const byHead = reshape(mean(reshape(losses, [sets, batch, heads]), [1]), [sets * heads]);
  const scalars = Array.from({ length: sets * heads }, (_, i) => [
    `loss${i}`,
    reshape(sliceAxis(byHead, 0, i, i + 1), []),
  ]);
  const gradients = grad(sumAll(byHead), [weight, bias]);
  return program('probe', {
    ...Object.fromEntries(scalars),
    ...Object.fromEntries(NAMES.map((name, i) => [gradientName(name), gradients[i]!])),
  });
}

function joined(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!.slice();
  const whole = new Float32Array(parts.length * parts[0]!.length);
  for (const [i, part] of parts.entries()) whole.set(part, i * part.length);
  return whole;
}

function largestDivisor(count: number, most: number): number {
  for (let divisor = Math.max(1, Math.min(count, Math.floor(most))); ; divisor--)
    if (count % divisor === 0) return divisor;
}
