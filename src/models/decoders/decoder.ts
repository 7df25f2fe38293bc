import type { Tensor } from '../../graph/index.ts';
import type { Masking } from '../../nn/masking.ts';
import type { LayerParameter, Weights } from '../../nn/parameters.ts';
import type { AutoencoderConfig } from '../config.ts';

/** Predictions of a decoder. Unused ones are not computed. */
export interface Prediction {
  /** [B, N, size], of all patches. */
  readonly all: Tensor;
  /** Where tokens are removed: what the loss of removed patches takes, at less cost. */
  readonly removed?: RemovedPatches | undefined;
}

/** Predictions of removed patches, or of some of them. */
export interface RemovedPatches {
  /** [B, M, size] */
  readonly values: Tensor;
  /** i32 [B, M], which patches they are. */
  readonly tokens: Tensor;
}

/** Inputs of a decoder. */
export interface Encoded {
  /** [B, K, D] in the masking's order, after the class token where the model has one: [B, 1 + K, D]; after the final norm */
  readonly tokens: Tensor;
  /** The masking with which the tokens were encoded; without it, all N patches are there. */
  readonly masking?: Masking | undefined;
  /** Tokens [B, L, D] of a second image, which the prediction may look at: for a cross decoder. */
  readonly guide?: Tensor | undefined;
}

/** Numbers of patches of one image; a guide's class token counts as one. */
export interface PatchCounts {
  readonly tokens: number;
  readonly removed: number;
  readonly patches: number;
}

/** A kind of decoder. */
export interface Decoder {
  /** In one line. */
  readonly summary: string;
  /** True: the encoder sees a mask token for each removed one (SimMIM) instead of skipping it. */
  readonly fillsEncoder: boolean;
  /** State tensors, named as in MAE where MAE has them. */
  parameters(config: AutoencoderConfig): LayerParameter[];
  decode(config: AutoencoderConfig, weights: Weights, encoded: Encoded): Prediction;
  /**
   * Floating-point operations of the matrix products for one image, forward.
   * @param counts numbers of patches: seen by the decoder as tokens, removed, and in total
   */
  flops(config: AutoencoderConfig, counts: PatchCounts): number;
}
