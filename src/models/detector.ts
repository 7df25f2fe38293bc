import type { Tensor } from '../graph/index.ts';
import { patchGrid } from '../image/size.ts';
import { mapOfTokens } from '../nn/maps.ts';
import { inPart, type ParameterSpec, type Weights } from '../nn/parameters.ts';
import { checkEncoder } from './autoencoder.ts';
import { type BoxHead, boxHeadParameters } from './box-head.ts';
import type { EncoderConfig } from './config.ts';
import { type EncodeOptions, encoderParameters, encodeTokens } from './encoder.ts';
import { maskHeadParameters } from './mask-head.ts';
import { checkPyramid, type Pyramid, pyramidLevels, pyramidMaps, pyramidParameters } from './pyramid.ts';
import { proposalParameters, proposeRegions } from './region-proposals.ts';

/** Mask R-CNN (arXiv 1703.06870) on a plain ViT, as ViTDet (arXiv 2203.16527) builds it. */
export interface DetectorConfig extends EncoderConfig {
  readonly classes: number;
  readonly head: DetectorHead;
}

/** Sizes of a detector beyond its encoder. */
export interface DetectorHead extends Pyramid, BoxHead {
  /** False: boxes alone, no masks. */
  readonly masks: boolean;
}

/**
 * The state tensors of a detector: the encoder's as in timm, without its last norm, and the others under `head.`.
 * Throws RangeError where sizes do not fit each other.
 */
export function detectorParameters(config: DetectorConfig): ParameterSpec[] {
  checkDetector(config);
  const { head, width, classes, depth } = config;
  const last = depth + 1;
  const own = [
    ...pyramidParameters(head, width),
    ...proposalParameters(head.channels),
    ...boxHeadParameters(head, classes),
    ...(head.masks ? maskHeadParameters(head, classes) : []),
  ];
  const named = own.map((tensor) => ({ ...tensor, name: `head.${tensor.name}` }));
  return [...encoderParameters(config).filter(({ layer }) => layer !== last), ...inPart('head', named, last)];
}

/** A detector's weights of everything but the encoder, by their names without `head.`. */
export const ofHead =
  (weights: Weights): Weights =>
  (name) =>
    weights(`head.${name}`);

/** The maps of a detector, of the sizes of `detectorLevels`, and what it proposes of all anchors: see `proposeRegions`. */
export interface DetectorFeatures {
  readonly maps: readonly Tensor[];
  readonly objectness: Tensor;
  readonly deltas: Tensor;
}

/** @param image [B, C, H, W], normalised; no gradient is meant to flow to it */
export function detectorFeatures(
  config: DetectorConfig,
  weights: Weights,
  image: Tensor,
  options: Pick<EncodeOptions, 'dropPath'> = {},
): DetectorFeatures {
  const tokens = encodeTokens(config, weights, image, options);
  const map = mapOfTokens(tokens, patchGrid(config), config.classToken ? 1 : 0);
  const own = ofHead(weights);
  const maps = pyramidMaps(config.head, own, map);
  return { maps, ...proposeRegions(maps, own) };
}

/** Anchors of an image that region proposals learn from. */
export const LEARNED_ANCHORS = 256;

/** Boxes of an image that the mask head learns from, where the box head learns from `rois`. */
export const maskedBoxes = (rois: number): number => Math.max(1, Math.floor(rois / 4));

/** The maps of a detector; its heads read boxes from all but the last. */
export const detectorLevels = (config: DetectorConfig) => pyramidLevels(config.head, config);

function checkDetector(config: DetectorConfig): void {
  checkEncoder(config);
  const { classes, head, windows, depth } = config;
  if (!Number.isInteger(classes) || classes < 1)
    throw new RangeError(`a detector needs 1 class at least, got ${classes}`);
  const counts = [head.channels, head.hidden, head.convolutions];
  if (!counts.every((count) => Number.isInteger(count) && count > 0))
    throw new RangeError(
      `a detector's channels, hidden features and convolutions must be whole and positive, got ${counts}`,
    );
  if (
    windows &&
    !(Number.isInteger(windows.side) && windows.side > 0 && windows.global.every((i) => i < depth))
  )
    throw new RangeError(
      `windows need a whole side, and blocks below ${depth} without them, got ${windows.side} and [${windows.global}]`,
    );
  checkPyramid(head, config);
}
