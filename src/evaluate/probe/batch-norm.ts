/**
 * Batch norm without weights before a linear head, as torch.nn.BatchNorm1d(affine=False, eps=1e-6). Batches are normalised by
 * their own mean and (biased) variance; evaluation uses running averages (momentum 0.1, unbiased variance).
 * It has no trainable weights, and no gradient passes through it.
 */
export class BatchNorm {
  /** Running averages, [D]. */
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  readonly #epsilon = 1e-6;
  readonly #momentum = 0.1;

  /** @param from initial averages; default: means 0 and variances 1 */
  constructor(width: number, from?: { readonly mean: Float64Array; readonly variance: Float64Array }) {
    this.mean = from?.mean.slice() ?? new Float64Array(width);
    this.variance = from?.variance.slice() ?? new Float64Array(width).fill(1);
  }

  /** Normalises a batch, [B, D], in place, and updates the averages. Throws RangeError for fewer than two rows. */
  train(rows: Float32Array): void {
    const width = this.mean.length;
    const count = rows.length / width;
    if (count < 2) throw new RangeError(`batch norm needs at least two rows, got ${count}`);
    const mean = new Float64Array(width);
    const variance = new Float64Array(width);
    for (let at = 0; at < rows.length; at += width)
      for (let column = 0; column < width; column++) mean[column]! += rows[at + column]!;
    for (let column = 0; column < width; column++) mean[column]! /= count;
    for (let at = 0; at < rows.length; at += width)
      for (let column = 0; column < width; column++) {
        const d = rows[at + column]! - mean[column]!;
        variance[column]! += d * d;
      }
    for (let column = 0; column < width; column++) variance[column]! /= count;
    this.#normalise(rows, mean, variance);
    const keep = 1 - this.#momentum;
    for (let column = 0; column < width; column++) {
      const unbiased = (variance[column]! * count) / (count - 1);
      this.mean[column] = keep * this.mean[column]! + this.#momentum * mean[column]!;
      this.variance[column] = keep * this.variance[column]! + this.#momentum * unbiased;
    }
  }

  /** Normalises rows, [n, D], in place by the averages. */
  evaluate(rows: Float32Array): void {
    this.#normalise(rows, this.mean, this.variance);
  }

  /** Folds the norm into a linear layer (weight [K, D], bias [K]): the result maps raw rows to the same outputs. */
  fold(head: LinearHead): LinearHead {
    const width = this.mean.length;
    const weight = head.weight.map((w, i) => w / Math.sqrt(this.variance[i % width]! + this.#epsilon));
    const bias = head.bias.map((b, k) => {
      const row = weight.subarray(k * width, (k + 1) * width);
      return row.reduce((sum, w, column) => sum - w * this.mean[column]!, b);
    });
    return { weight, bias };
  }

  #normalise(rows: Float32Array, mean: Float64Array, variance: Float64Array): void {
    const width = mean.length;
    const scale = variance.map((v) => 1 / Math.sqrt(v + this.#epsilon));
    for (let at = 0; at < rows.length; at += width)
      for (let column = 0; column < width; column++)
        rows[at + column] = (rows[at + column]! - mean[column]!) * scale[column]!;
  }
}

/** A linear layer: weight [K, D], bias [K]. */
export interface LinearHead {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}
