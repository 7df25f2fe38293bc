import type { ParameterGroup } from '../graph/update.ts';

export interface Decaying {
  readonly name: string;
  /** See `layerDecay`. */
  readonly layer?: number | undefined;
  readonly trained: boolean;
  readonly decay: boolean;
}

/**
 * The trained ones of a model's tensors with their weight decay: none on biases, norms, tokens and positions.
 * @param lrScale factor of the learning rate of a layer's tensors; 1 unless given
 */
export function parameterGroups(
  specs: readonly Decaying[],
  weightDecay: number,
  lrScale: (layer: number | undefined) => number = () => 1,
): (ParameterGroup & { readonly name: string })[] {
  return specs
    .filter(({ trained }) => trained)
    .map(({ name, layer, decay }) => ({
      name,
      weightDecay: decay ? weightDecay : 0,
      lrScale: lrScale(layer),
    }));
}

/**
 * Layer-wise learning rate decay (BEiT, arXiv 2106.08254; as in MAE): decay^(L + 1 − i) for the tensors of layer i of an
 * encoder of L blocks, where the embedding (tokens, positions, patches) is layer 0, the blocks are 1 … L, and all else
 * (norm, head) is L + 1, whose scale is 1.
 */
export function layerDecay(decay: number, depth: number): (layer: number | undefined) => number {
  return (layer = depth + 1) => decay ** (depth + 1 - layer);
}
