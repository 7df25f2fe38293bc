import { cast, input, type Program, program, reshape, sliceAxis, type Tensor } from '../graph/index.ts';
import type { Normalisation } from '../image/normalise.ts';
import { patchCount, patchGrid, type Size } from '../image/size.ts';
import { type ClassifierConfig, classifierParameters, features, type Pooling } from '../models/classifier.ts';
import type { EncoderConfig } from '../models/config.ts';
import { encodeAttention, encoderParameters, encodeTokens } from '../models/encoder.ts';
import { norm } from '../nn/block.ts';
import { fromPicture } from '../nn/normalise.ts';
import type { ParameterSpec, Weights } from '../nn/parameters.ts';
import { weightInputs } from './pretrain.ts';

/** Tokens that are the features of an image: pooled to one vector, or those of all patches. */
export type FeatureTokens = Pooling | 'patch';

/** An encoder, and which of its tokens are features. */
export type FeatureConfig = Omit<ClassifierConfig, 'classes' | 'pooling'> & {
  readonly pooling: FeatureTokens;
};

/** Features per image: rows and columns of patches, where each has features, and numbers per feature. */
export function featureShape(config: FeatureConfig): {
  readonly grid: Size | undefined;
  readonly width: number;
} {
  return { grid: config.pooling === 'patch' ? patchGrid(config) : undefined, width: config.width };
}

/** Numbers per image: D, or patches · D. */
export function featureSize(config: FeatureConfig): number {
  return config.width * (config.pooling === 'patch' ? patchCount(config) : 1);
}

/** The weights that features depend on. Throws RangeError where sizes, or pooling and class token, do not fit. */
export function featureParameters(config: FeatureConfig): ParameterSpec[] {
  const pooling = config.pooling === 'patch' ? 'mean' : config.pooling;
  return classifierParameters({ ...config, pooling, classes: 2 }).filter(({ part }) => part !== 'head');
}

/** view u8 [B, C, H, W] → `features` [B, D], or of patches [B, N · D]; the weights are taken by name. */
export function featureProgram(config: FeatureConfig, normalisation: Normalisation, batch: number): Program {
  const weights = weightInputs(featureParameters(config));
  const view = input('view', [batch, config.channels, ...config.image], 'u8');
  const image = fromPicture(cast(view, 'f32'), normalisation, 1 / 255);
  const { pooling } = config;
  const values =
    pooling === 'patch'
      ? patchTokens(config, weights, image)
      : features({ ...config, pooling }, weights, image);
  return program('features', { features: values });
}

/**
 * Tokens of the patches after the encoder's norm, as in timm's `forward_features`: [B, N · D]. Where a norm after the pooling replaced it
 * (`fcNorm`), they are those before it.
 */
function patchTokens(config: FeatureConfig, weights: Weights, image: Tensor): Tensor {
  const tokens = encodeTokens(config, weights, image);
  const normed = config.fcNorm ? tokens : norm(tokens, weights, 'norm', config.epsilon);
  const [batch, count] = normed.shape as [number, number];
  return reshape(sliceAxis(normed, 1, config.classToken ? 1 : 0, count), [batch, -1]);
}

/**
 * view u8 [B, C, H, W] → `attention` [B, h, N]: the shares that a token takes of all tokens in a block, see `encodeAttention`.
 * @param block from 0 @param token its place among the tokens, from 0
 */
export function attentionProgram(
  config: EncoderConfig,
  normalisation: Normalisation,
  batch: number,
  { block, token }: { readonly block: number; readonly token: number },
): Program {
  const view = input('view', [batch, config.channels, ...config.image], 'u8');
  const image = fromPicture(cast(view, 'f32'), normalisation, 1 / 255);
  const all = encodeAttention(config, weightInputs(encoderParameters(config)), image, block);
  const attention = reshape(sliceAxis(all, 2, token, token + 1), [batch, config.heads, all.shape[3]!]);
  return program('attention', { attention });
}
