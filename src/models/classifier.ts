import { linear, mean, reshape, sliceAxis, type Tensor } from '../graph/index.ts';
import { norm } from '../nn/block.ts';
import {
  inPart,
  type LayerParameter,
  linearParameters,
  normParameters,
  type ParameterSpec,
  type Weights,
} from '../nn/parameters.ts';
import { checkEncoder } from './autoencoder.ts';
import type { EncoderConfig } from './config.ts';
import { type EncodeOptions, encoderParameters, encodeTokens } from './encoder.ts';

/** How the tokens become one vector: the mean of the patches' tokens, or the class token. */
export type Pooling = 'mean' | 'token';

/** An encoder with a linear head. */
export interface ClassifierConfig extends EncoderConfig {
  readonly classes: number;
  readonly pooling: Pooling;
  /**
   * True: the norm follows the pooling, as `fc_norm` (fine-tuning in MAE and in the paper), and replaces the encoder's
   * norm.
   */
  readonly fcNorm: boolean;
}

/** Deviation of the head's first weights: the usual 0.02, scaled by 0.001 (arXiv 2203.14313; MAE has the same 2e-5). */
const HEAD_STD = 2e-5;

/**
 * The state tensors of a classifier, named as in timm, always in the same order.
 * Throws RangeError where sizes do not fit each other.
 */
export function classifierParameters(config: ClassifierConfig): ParameterSpec[] {
  checkClassifier(config);
  const { width, classes, fcNorm } = config;
  const last = config.depth + 1;
  // The norm after the pooling takes the place of the encoder's own.
  const encoder = encoderParameters(config).filter(({ layer }) => !fcNorm || layer !== last);
  const [weight, bias] = linearParameters('head', width, classes) as [LayerParameter, LayerParameter];
  const head = [{ ...weight, init: { kind: 'truncatedNormal', std: HEAD_STD } as const }, bias];
  return [
    ...encoder,
    ...inPart('encoder', fcNorm ? normParameters('fc_norm', width) : [], last),
    ...inPart('head', head, last),
  ];
}

/**
 * Logits of images.
 * @param image [B, C, H, W], normalised; no gradient is meant to flow to it
 * @returns [B, classes]
 */
export function classify(
  config: ClassifierConfig,
  weights: Weights,
  image: Tensor,
  options: Pick<EncodeOptions, 'dropPath'> = {},
): Tensor {
  return linear(features(config, weights, image, options), weights('head.weight'), weights('head.bias'));
}

/** Input of the head: normalised images [B, C, H, W] → features [B, D]. */
export function features(
  config: Omit<ClassifierConfig, 'classes'>,
  weights: Weights,
  image: Tensor,
  options: Pick<EncodeOptions, 'dropPath'> = {},
): Tensor {
  const tokens = encodeTokens(config, weights, image, options);
  return config.fcNorm
    ? norm(pool(config, tokens), weights, 'fc_norm', config.epsilon)
    : pool(config, norm(tokens, weights, 'norm', config.epsilon));
}

/** One vector of an image's tokens, [B, N, D] after the class token where there is one → [B, D]. */
export function pool(
  { classToken, pooling, width }: Pick<ClassifierConfig, 'classToken' | 'pooling' | 'width'>,
  tokens: Tensor,
): Tensor {
  const [batch, count] = tokens.shape as [number, number];
  const pooled =
    pooling === 'token'
      ? sliceAxis(tokens, 1, 0, 1)
      : mean(sliceAxis(tokens, 1, classToken ? 1 : 0, count), [1]);
  return reshape(pooled, [batch, width]);
}

function checkClassifier(config: ClassifierConfig): void {
  checkEncoder(config);
  if (!Number.isInteger(config.classes) || config.classes < 2)
    throw new RangeError(`a classifier needs two classes or more, got ${config.classes}`);
  if (config.pooling === 'token' && !config.classToken)
    throw new RangeError(
      "pooling 'token' needs a model with a class token, got one without: use pooling 'mean'",
    );
}
