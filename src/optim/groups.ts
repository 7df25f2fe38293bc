import type { ParameterGroup } from '../graph/update.ts';

interface Decaying {
  readonly name: string;
  readonly trained: boolean;
  readonly decay: boolean;
}

/**
 * The trained ones of a model's tensors with their weight decay: none on biases, norms, tokens and positions.
 * @param lrScale by which the learning rate of a tensor is multiplied; 1 unless given
 */
export function parameterGroups(
  specs: readonly Decaying[],
  weightDecay: number,
  lrScale: (name: string) => number = () => 1,
): (ParameterGroup & { readonly name: string })[] {
  return specs
    .filter(({ trained }) => trained)
    .map(({ name, decay }) => ({ name, weightDecay: decay ? weightDecay : 0, lrScale: lrScale(name) }));
}

/**
 * Layer-wise learning rate decay (BEiT, arXiv 2106.08254; as in MAE): decay^(L + 1 − i) for the tensors of layer i of an
 * encoder of L blocks, where the embedding (tokens, positions, patches) is layer 0, the blocks are 1 … L, and all else
 * (norm, head) is L + 1, whose scale is 1.
 */
export function layerDecay(decay: number, depth: number): (name: string) => number {
  return (name) => decay ** (depth + 1 - layerOf(name, depth));
}

function layerOf(name: string, depth: number): number {
  if (/^(cls_token|pos_embed|patch_embed\.)/.test(name)) return 0;
  const block = /^blocks\.(\d+)\./.exec(name);
  return block ? Number(block[1]) + 1 : depth + 1;
}
