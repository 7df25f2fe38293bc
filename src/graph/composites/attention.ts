import { mul, sub } from '../operations/elementwise.ts';
import { matmul } from '../operations/matmul.ts';
import { sum } from '../operations/sum.ts';
import { defineComposite, type One } from '../signatures.ts';
import { apply, applyAll, refuse, requireFloat, sameShape, type Tensor } from '../tensor.ts';
import { softmax } from './softmax.ts';

const attentionOperation = defineComposite<'attention', One>({
  name: 'attention',
  role: 'product',
  infer: (inputs) => {
    requireFloat('attention', inputs);
    const [q, k, v] = inputs;
    if (!fits(q, k, v))
      refuse('attention', 'queries [B, h, N, d], keys and values [B, h, M, d] must fit', inputs);
    return [q];
  },
  vjp: ({ inputs: [q, k, v], outputs: [y], attributes }, [dy]) =>
    applyAll(attentionGradOperation, [q, k, v, y, dy], attributes),
  decompose: ({ attributes: { scale } }, [q, k, v]) => [matmul(weights(q, k, scale), v)],
});

const fits = (q: Tensor, k: Tensor, v: Tensor) =>
  q.shape.length === 4 &&
  sameShape(k.shape, v.shape) &&
  sameShape(q.shape.with(2, 0), k.shape.with(2, 0)) &&
  k.shape[2]! > 0;

/** Attention weights softmax(scale · q kᵀ): [B, h, N, M]. */
const weights = (q: Tensor, k: Tensor, scale: number) =>
  softmax(matmul(q, k, { transposeB: true, alpha: scale }));

/**
 * Gradients of q, k and v. Recomputes the weights; if the program computes them elsewhere too, common subexpressions
 * merge.
 */
const attentionGradOperation = defineComposite<'attentionGrad'>({
  name: 'attentionGrad',
  role: 'product',
  infer: (inputs) => {
    requireFloat('attentionGrad', inputs);
    const [q, k, v, y, dy] = inputs;
    if (!fits(q, k, v) || !sameShape(y.shape, q.shape) || !sameShape(dy.shape, q.shape))
      refuse('attentionGrad', 'q, y and dy [B, h, N, d], k and v [B, h, M, d] must fit', inputs);
    return [q, k, v];
  },
  vjp: null,
  decompose: ({ attributes: { scale } }, [q, k, v, y, dy]) => {
    const p = weights(q, k, scale);
    const dv = matmul(p, dy, { transposeA: true });
    const dp = matmul(dy, v, { transposeB: true });
    // Σ p ∘ dp over keys equals Σ dy ∘ y over features, a shorter sum (FlashAttention, arXiv 2205.14135).
    const ds = mul(p, sub(dp, sum(mul(dy, y), [3])));
    const dq = matmul(ds, k, { alpha: scale });
    const dk = matmul(ds, q, { transposeA: true, alpha: scale });
    return [dq, dk, dv];
  },
});

/**
 * softmax(scale · q kᵀ) · v for each head: queries [B, h, N, d], keys and values [B, h, M, d] → [B, h, N, d].
 * @param scale default: 1/√d
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, scale = 1 / Math.sqrt(q.shape[3] ?? 1)): Tensor {
  return apply(attentionOperation, [q, k, v], { scale });
}
