import { add, attention, linear, mul, splitHeads, type Tensor } from '../graph/index.ts';
import { feedForward, feedForwardParameters, joinHeads, norm, withoutKeys } from './block.ts';
import { type LayerParameter, linearParameters, normParameters, type Weights } from './parameters.ts';

/** Weights of a cross-attention block. @param keyWidth width of the context */
export function crossBlockParameters(
  name: string,
  width: number,
  keyWidth: number,
  mlpRatio: number,
): LayerParameter[] {
  return [
    ...normParameters(`${name}.norm1`, width),
    ...linearParameters(`${name}.cross_attn.q`, width, width),
    ...linearParameters(`${name}.cross_attn.kv`, keyWidth, 2 * width),
    ...linearParameters(`${name}.cross_attn.proj`, width, width),
    ...feedForwardParameters(name, width, mlpRatio),
  ];
}

/**
 * A pre-norm block of cross-attention (CrossMAE, arXiv 2401.14391): each token attends to the context only.
 * @param x [B, M, D]
 * @param context [B, K, E], already normalised
 * @returns [B, M, D]
 */
export function crossBlock(
  x: Tensor,
  context: Tensor,
  weights: Weights,
  name: string,
  heads: number,
  epsilon?: number,
): Tensor {
  const at = (part: string) => weights(`${name}.cross_attn.${part}`);
  const width = x.shape[2]!;
  const [q] = splitHeads(
    linear(norm(x, weights, `${name}.norm1`, epsilon), at('q.weight'), at('q.bias')),
    1,
    heads,
  );
  const bias = mul(at('kv.bias'), withoutKeys(width, ['keys', 'values']));
  const [k, v] = splitHeads(linear(context, at('kv.weight'), bias), 2, heads);
  const attended = joinHeads(attention(q!, k!, v!), weights, `${name}.cross_attn`);
  const y = add(x, attended);
  return add(y, feedForward(y, weights, name, epsilon));
}
