import { cast, clip, invertPermutation, sliceAxis, sub, type Tensor } from '../graph/index.ts';
import { plural } from '../text/plural.ts';

/** Which tokens of each image the encoder sees. */
export interface Masking {
  /** i32 [B, N], a permutation: the first K tokens are visible. */
  readonly order: Tensor;
  /** i32 [B, N], its inverse: the position of each token in the order. */
  readonly restore: Tensor;
  /** i32 [B, K], the visible tokens. */
  readonly keep: Tensor;
  /** i32 [B, N − K], the removed tokens. */
  readonly removed: Tensor;
  /** f32 [B, N], 1 for removed tokens and 0 for visible ones. */
  readonly mask: Tensor;
}

/** Keeps the first `visible` tokens of an order i32 [B, N]. */
export function maskTokens(order: Tensor, visible: number): Masking {
  const restore = invertPermutation(order);
  return {
    order,
    restore,
    keep: sliceAxis(order, 1, 0, visible),
    removed: sliceAxis(order, 1, visible, order.shape[1]!),
    mask: clip(sub(cast(restore, 'f32'), visible - 1), 0, 1),
  };
}

/**
 * Number of visible tokens under a mask ratio: ⌊N(1 − ratio)⌋. Throws RangeError unless the ratio lies in [0, 1) and
 * leaves at least one token.
 */
export function visibleTokens(tokens: number, maskRatio: number): number {
  if (!(maskRatio >= 0 && maskRatio < 1))
    throw new RangeError(`mask ratio must lie in [0, 1), got ${maskRatio}`);
  const visible = Math.floor(tokens * (1 - maskRatio) + 1e-9); // 100 · (1 − 0.9) is 9.999…
  if (visible < 1)
    throw new RangeError(
      `mask ratio must leave one of ${plural(tokens, 'token')} at least, got ${maskRatio}`,
    );
  return visible;
}
