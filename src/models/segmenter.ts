import { add, matmul, mul, type Tensor } from '../graph/index.ts';
import { patchGrid } from '../image/size.ts';
import type { BatchStatistics } from '../nn/batch-norm.ts';
import { norm } from '../nn/block.ts';
import { bilinear, mapOfTokens } from '../nn/maps.ts';
import { inPart, linearParameters, type ParameterSpec, type Weights } from '../nn/parameters.ts';
import { pixelCrossEntropy } from '../nn/pixel-loss.ts';
import { checkEncoder } from './autoencoder.ts';
import type { EncoderConfig } from './config.ts';
import { type EncodeOptions, encodeLayers, encoderParameters } from './encoder.ts';
import {
  checkUperNet,
  type UperNetHead,
  type UperNetOptions,
  uperNet,
  uperNetParameters,
} from './upernet.ts';

/** A linear layer on the last tokens after the encoder's norm (Segmenter, arXiv 2105.05633; arXiv 2404.12172 judges by it). */
export interface LinearHead {
  readonly kind: 'linear';
}

/** An encoder with a head that labels pixels. */
export interface SegmenterConfig extends EncoderConfig {
  readonly classes: number;
  readonly head: LinearHead | UperNetHead;
}

/** The share of the auxiliary head's loss. */
const AUXILIARY = 0.4;

/**
 * The state tensors of a segmenter: the encoder's as in timm, the head's under `head.`. Kept statistics of batch norms are among them,
 * untrained. UperNet has no norm behind the encoder, and no blocks above the last one that it takes.
 * Throws RangeError where sizes do not fit each other.
 */
export function segmenterParameters(config: SegmenterConfig): ParameterSpec[] {
  checkSegmenter(config);
  const { width, classes, head, depth } = config;
  const last = depth + 1;
  const own =
    head.kind === 'linear'
      ? linearParameters('classes', width, classes)
      : uperNetParameters(head, width, classes);
  const named = own.map((tensor) => ({ ...tensor, name: `head.${tensor.name}` }));
  const highest = head.kind === 'linear' ? last : blocksOf(config);
  const encoder = encoderParameters(config).filter(({ layer }) => layer! <= highest);
  return [...encoder, ...inPart('head', named, last)];
}

/** Inputs of segmentation beside weights and images. */
export interface SegmenterOptions extends Pick<EncodeOptions, 'dropPath'>, Partial<UperNetOptions> {}

/**
 * Logits of images, on a grid that is coarser than their pixels.
 * @param image [B, C, H, W], normalised; no gradient is meant to flow to it
 * @returns logits [B, h, w, K], and those of the auxiliary head where there is one and it trains
 */
export function segment(
  config: SegmenterConfig,
  weights: Weights,
  image: Tensor,
  { dropPath, statistics = 'kept', dropout }: SegmenterOptions = {},
): { logits: Tensor; auxiliary?: Tensor } {
  const { head, classToken, depth } = config;
  const map = (tokens: Tensor) => mapOfTokens(tokens, patchGrid(config), classToken ? 1 : 0);
  const layers = encodeLayers({ ...config, depth: blocksOf(config) }, weights, image, { dropPath });
  const own: Weights = (name) => weights(`head.${name}`);
  if (head.kind === 'upernet') {
    const taps = head.taps.map((tap) => map(layers[tap]!));
    return uperNet(head, own, taps, { statistics, dropout });
  }
  const tokens = map(norm(layers[depth - 1]!, weights, 'norm', config.epsilon));
  return { logits: add(matmul(tokens, own('classes.weight'), { transposeB: true }), own('classes.bias')) };
}

/** The loss of a training step, and what it overwrites beside the weights. */
export interface SegmenterLoss {
  /** A number: the mean cross-entropy of the pixels, and 0.4 times that of the auxiliary head. */
  readonly loss: Tensor;
  /** The next kept statistics of batch norms by the names of their tensors, which `TrainingPlan.state` overwrites. */
  readonly statistics: ReadonlyMap<string, Tensor>;
}

/**
 * The loss of labelled images, at their full resolution.
 * @param labels class numbers, u8 [B, H, W]; 255 where a pixel has no class
 */
export function segmenterLoss(
  config: SegmenterConfig,
  weights: Weights,
  image: Tensor,
  labels: Tensor,
  options: Omit<SegmenterOptions, 'statistics'> & {
    /** See `pixelCrossEntropy`. */
    readonly over?: 'all pixels' | 'labelled pixels';
  } = {},
): SegmenterLoss {
  const next = new Map<string, Tensor>();
  const statistics: BatchStatistics = { next };
  const { logits, auxiliary } = segment(config, weights, image, { ...options, statistics });
  const size = [labels.shape[1]!, labels.shape[2]!] as const;
  const cost = (of: Tensor) => pixelCrossEntropy(bilinear(of, size), labels, options.over);
  const loss = auxiliary ? add(cost(logits), mul(cost(auxiliary), AUXILIARY)) : cost(logits);
  return { loss, statistics: new Map([...next].map(([name, value]) => [`head.${name}`, value])) };
}

/** Number of the blocks whose output something takes. */
function blocksOf({ head, depth }: SegmenterConfig): number {
  return head.kind === 'linear' ? depth : Math.max(...head.taps) + 1;
}

function checkSegmenter(config: SegmenterConfig): void {
  checkEncoder(config);
  const { classes, head, depth } = config;
  if (!Number.isInteger(classes) || classes < 1 || classes > 255)
    throw new RangeError(`a segmenter needs 1 to 255 classes, got ${classes}`);
  if (head.kind === 'upernet') checkUperNet(head, depth);
}
