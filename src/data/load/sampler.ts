import { type Rng, rng } from '../../random/rng.ts';
import { plural } from '../../text/plural.ts';

/** A place in the endless order of training images: `position` images of epoch `epoch` have been used. */
export interface Cursor {
  readonly epoch: number;
  readonly position: number;
}

/** Which images make up a batch. */
export interface BatchPlan {
  readonly epoch: number;
  /** Int32Array [batch]. */
  readonly indices: Int32Array;
  /** 1 for an image, 0 for padding: Float32Array [batch]. */
  readonly weights: Float32Array;
  /** Position after this batch. */
  readonly cursor: Cursor;
}

/**
 * The batches of training without end, from `cursor` on: every epoch its own random order of all `length` images,
 * the last partial batch dropped. The order of an epoch depends on (seed, epoch, length) only.
 * Throws RangeError for a batch size that is not an integer in [1, length], or a cursor outside the epoch.
 */
export function trainingPlan(
  length: number,
  batchSize: number,
  seed: number,
  cursor: Cursor = { epoch: 0, position: 0 },
): Generator<BatchPlan, never> {
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > length) {
    throw new RangeError(
      `the batch size must be an integer from 1 to the ${plural(length, 'image')}, got ${batchSize}`,
    );
  }
  const { epoch, position } = cursor;
  if (
    !(
      Number.isInteger(epoch) &&
      epoch >= 0 &&
      Number.isInteger(position) &&
      position >= 0 &&
      position <= length
    )
  ) {
    throw new RangeError(
      `a cursor needs an epoch ≥ 0 and a position in [0, ${length}], got epoch ${epoch}, position ${position}`,
    );
  }
  return plans(length, batchSize, seed, cursor);
}

function* plans(length: number, batchSize: number, seed: number, from: Cursor): Generator<BatchPlan, never> {
  let { epoch, position } = from;
  const weights = new Float32Array(batchSize).fill(1);
  for (; ; epoch++, position = 0) {
    const order = rng(seed, 'order', epoch).permutation(length);
    while (position + batchSize <= length) {
      const indices = order.slice(position, position + batchSize);
      position += batchSize;
      const ended = position + batchSize > length;
      const cursor = ended ? { epoch: epoch + 1, position: 0 } : { epoch, position };
      yield { epoch, indices, weights: weights.slice(), cursor };
    }
  }
}

/**
 * The batches of one pass over all images, in their order; the last one is filled up with its first image
 * at weight 0. The epoch is 0, so random draws are the same in every pass.
 * Throws RangeError unless the batch size is a positive integer.
 */
export function* evaluationPlan(length: number, batchSize: number): Generator<BatchPlan, void> {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`the batch size must be a positive integer, got ${batchSize}`);
  }
  for (let position = 0; position < length; position += batchSize) {
    const count = Math.min(batchSize, length - position);
    yield {
      epoch: 0,
      indices: Int32Array.from({ length: batchSize }, (_, i) => position + (i < count ? i : 0)),
      weights: Float32Array.from({ length: batchSize }, (_, i) => (i < count ? 1 : 0)),
      cursor: { epoch: 0, position: position + count },
    };
  }
}

/** The random stream of one image in one epoch; everything drawn for it (crop, task) is derived from this. */
export function sampleRng(seed: number, epoch: number, index: number): Rng {
  return rng(seed, 'sample', epoch, index);
}
