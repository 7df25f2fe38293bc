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
  /** The first image of the whole batch, which another rank may have. */
  readonly first: number;
  /** 1 for an image, 0 for padding: Float32Array [batch]. */
  readonly weights: Float32Array;
  /** Position after this batch. */
  readonly cursor: Cursor;
}

/** A rank's part of every batch: number `rank`, from 0, of `size` equal parts. */
export interface Share {
  readonly rank: number;
  readonly size: number;
}

/**
 * Positions of a rank's images in a batch. An even number of images are a piece of the first half and its mirror image in
 * the second half: mixup pairs images i and B − 1 − i, so each pair stays on one rank, at mirrored positions there too.
 * Throws RangeError unless the batch divides into equal parts.
 */
export function positionsOf(batchSize: number, { rank, size }: Share): Int32Array {
  const count = batchSize / size;
  if (!Number.isInteger(count) || !(rank >= 0 && rank < size))
    throw new RangeError(
      `a batch must divide into equal shares, got ${plural(batchSize, 'image')} for rank ${rank} of ${size}`,
    );
  const half = count / 2;
  if (!Number.isInteger(half)) return Int32Array.from({ length: count }, (_, i) => rank * count + i);
  const mirrored = batchSize - (rank + 1) * half;
  return Int32Array.from({ length: count }, (_, i) => (i < half ? rank * half + i : mirrored + i - half));
}

/**
 * The batches of training without end, from `cursor` on: every epoch its own random order of all `length` images,
 * the last partial batch dropped. The order of an epoch depends on (seed, epoch, length) only.
 * Throws RangeError for a batch size that is not an integer in [1, length], a cursor outside the epoch, or a batch that
 * does not divide into the shares.
 * @param share the part of each batch that is wanted; cursors count whole batches. Default: all of it
 */
export function trainingPlan(
  length: number,
  batchSize: number,
  seed: number,
  cursor: Cursor = { epoch: 0, position: 0 },
  share: Share = { rank: 0, size: 1 },
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
  const positions = share.size === 1 ? undefined : positionsOf(batchSize, share);
  return plans(length, batchSize, seed, cursor, positions);
}

/** @param positions those in the batch that are wanted; undefined: all */
function* plans(
  length: number,
  batchSize: number,
  seed: number,
  from: Cursor,
  positions: Int32Array | undefined,
): Generator<BatchPlan, never> {
  let { epoch, position } = from;
  const weights = new Float32Array(positions?.length ?? batchSize).fill(1);
  for (; ; epoch++, position = 0) {
    const order = rng(seed, 'order', epoch).permutation(length);
    while (position + batchSize <= length) {
      const whole = order.slice(position, position + batchSize);
      const indices = positions?.map((at) => whole[at]!) ?? whole;
      position += batchSize;
      const ended = position + batchSize > length;
      const cursor = ended ? { epoch: epoch + 1, position: 0 } : { epoch, position };
      yield { epoch, indices, first: whole[0]!, weights: weights.slice(), cursor };
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
      first: position,
      weights: Float32Array.from({ length: batchSize }, (_, i) => (i < count ? 1 : 0)),
      cursor: { epoch: 0, position: position + count },
    };
  }
}

/** The random stream of one image in one epoch; everything drawn for it (crop, task) is derived from this. */
export function sampleRng(seed: number, epoch: number, index: number): Rng {
  return rng(seed, 'sample', epoch, index);
}
