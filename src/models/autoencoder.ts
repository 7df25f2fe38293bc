import type { Tensor } from '../graph/index.ts';
import { patchGrid } from '../image/size.ts';
import type { Masking } from '../nn/masking.ts';
import { inPart, type ParameterSpec, type Weights } from '../nn/parameters.ts';
import { targetOf } from '../nn/targets/table.ts';
import type { AutoencoderConfig, EncoderConfig, StackSize } from './config.ts';
import type { Prediction } from './decoders/decoder.ts';
import { decoderOf } from './decoders/table.ts';
import { encode, encoderParameters } from './encoder.ts';

/**
 * The state tensors of an autoencoder, encoder first, always in the same order.
 * Throws RangeError where sizes do not fit each other.
 */
export function autoencoderParameters(config: AutoencoderConfig): ParameterSpec[] {
  checkConfig(config);
  const decoder = decoderOf(config.decoder).parameters(config);
  return [...encoderParameters(config), ...inPart('decoder', decoder)];
}

/** Inputs of an autoencoder beside the image. */
export interface RecoverOptions {
  /** Which tokens are visible; all of them without it. */
  readonly masking?: Masking | undefined;
  /** [B, C, H, W], normalised: a second image, whole, which the prediction may look at: for a cross decoder. */
  readonly guide?: Tensor | undefined;
}

/** Predicts the target of images [B, C, H, W], normalised. */
export function recover(
  config: AutoencoderConfig,
  weights: Weights,
  image: Tensor,
  { masking, guide }: RecoverOptions = {},
): Prediction {
  return decoderOf(config.decoder).decode(config, weights, {
    tokens: encodeVisible(config, weights, image, masking),
    masking,
    guide: guide && encode(config, weights, guide),
  });
}

/** Tokens of images as the decoder takes them, see `encode`: the visible ones, or all, where the decoder's kind fills removed ones. */
export function encodeVisible(
  config: AutoencoderConfig,
  weights: Weights,
  image: Tensor,
  masking: Masking | undefined,
): Tensor {
  const { fillsEncoder } = decoderOf(config.decoder);
  const fill = fillsEncoder && masking ? weights('mask_token') : undefined;
  return encode(config, weights, image, masking, { fill });
}

function checkConfig(config: AutoencoderConfig): void {
  checkEncoder(config);
  checkStack('decoder', config.decoder);
  const { kind = 'transformer', share = 1 } = config.decoder;
  if (!(share > 0 && share <= 1))
    throw new RangeError(`the decoder's share of removed patches must lie in (0, 1], got ${share}`);
  if (share !== 1 && kind !== 'cross')
    throw new RangeError(
      `a share of removed patches needs a cross decoder, got ${kind} and ${share} (--set model.decoder.kind=cross)`,
    );
  targetOf(config.target).size(config);
}

/** Throws RangeError where an encoder's sizes do not fit each other. */
export function checkEncoder(config: EncoderConfig): void {
  patchGrid(config);
  checkStack('encoder', config);
  if (!Number.isInteger(config.channels) || config.channels < 1)
    throw new RangeError(`channels must be whole and positive, got ${config.channels}`);
}

function checkStack(part: string, { width, depth, heads }: StackSize): void {
  if (![width, depth, heads].every((count) => Number.isInteger(count) && count > 0))
    throw new RangeError(
      `${part}: width, depth and heads must be whole and positive, got ${width}, ${depth}, ${heads}`,
    );
  if (width % heads !== 0)
    throw new RangeError(`${part}: its width must divide into its heads, got ${width} and ${heads}`);
}
