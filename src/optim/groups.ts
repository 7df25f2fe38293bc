import type { ParameterGroup } from '../graph/update.ts';

export interface Decaying {
  readonly name: string;
  /** Depth in the encoder, see `layerDecay`. */
  readonly layer?: number | undefined;
  readonly trainable: boolean;
  readonly decay: boolean;
}

/**
 * Parameter groups of a model's trainable tensors. Weight decay does not apply to biases, norms, tokens and
 * positions.
 * @param lrScale learning rate factor by layer; default: 1
 */
export function parameterGroups(
  specs: readonly Decaying[],
  weightDecay: number,
  lrScale: (layer: number | undefined) => number = () => 1,
): (ParameterGroup & { readonly name: string })[] {
  return specs
    .filter(({ trainable }) => trainable)
    .map(({ name, layer, decay }) => ({
      name,
      weightDecay: decay ? weightDecay : 0,
      lrScale: lrScale(layer),
    }));
}

/**
 * Layer-wise learning rate decay (BEiT, arXiv 2106.08254; as in MAE): decay^(L + 1 − i) for layer i of an encoder of
 * L blocks. Layer 0 is the embedding (tokens, positions, patches), 1 … L are the blocks, and L + 1 the rest (norm,
 * head), with a factor of 1.
 */
export function layerDecay(decay: number, depth: number): (layer: number | undefined) => number {
  return (layer = depth + 1) => decay ** (depth + 1 - layer);
}
