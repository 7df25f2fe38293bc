import { type Geometry, patchGrid } from '../image/size.ts';
import type { ParameterSpec } from '../nn/parameters.ts';
import type { Positions } from '../nn/positions.ts';
import type { TargetKind } from '../nn/target.ts';
import { decoderParameters } from './decoder.ts';
import { encoderParameters } from './encoder.ts';
import type { StackSize } from './sizes.ts';

export type { ParameterSpec, Weights } from '../nn/parameters.ts';
export type { Positions } from '../nn/positions.ts';
export { decode, type Prediction } from './decoder.ts';
export { type EncodeOptions, encode, encodeTokens } from './encoder.ts';

/** A Vision Transformer: how it cuts images, and its stack of blocks. */
export interface EncoderConfig extends Geometry, StackSize {
  /** Hidden width of the MLPs relative to the blocks' width. */
  readonly mlpRatio: number;
  /** Whether a trained token is put before those of the patches. */
  readonly classToken: boolean;
  readonly positions: Positions;
  /** What the norms add to variances. Default: 1e-6. */
  readonly epsilon?: number;
}

/** An encoder, a light decoder and what the decoder is to predict. */
export interface AutoencoderConfig extends EncoderConfig {
  readonly decoder: StackSize;
  readonly target: TargetKind;
}

/**
 * The state tensors of an autoencoder, encoder first, always in the same order.
 * Throws RangeError where sizes do not fit each other.
 */
export function autoencoderParameters(config: AutoencoderConfig): ParameterSpec[] {
  checkConfig(config);
  return [...encoderParameters(config), ...decoderParameters(config)];
}

function checkConfig(config: AutoencoderConfig): void {
  checkEncoder(config);
  checkStack('decoder', config.decoder);
  const values = config.patch ** 2 * (config.target === 'channel' ? 1 : config.channels);
  if (config.target !== 'none' && values < 2)
    throw new RangeError(`a target is normalised over 2 values of a patch at least, got ${values}`);
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
