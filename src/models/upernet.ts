import { add, gelu, mul, relu, type Tensor } from '../graph/index.ts';
import { type BatchStatistics, batchNorm, batchNormParameters } from '../nn/batch-norm.ts';
import { averagePool, bilinear, convolve, enlargeTwice, maxPool, stacked } from '../nn/maps.ts';
import { type LayerParameter, parameter, type Weights } from '../nn/parameters.ts';

/** How much larger than the tokens' grid the maps of a pyramid are. */
export type PyramidScale = 4 | 2 | 1 | 0.5;

/** UperNet (arXiv 1807.10221) on a plain ViT, as mmsegmentation builds it for BEiT and MAE. */
export interface UperNetHead {
  readonly kind: 'upernet';
  /** Channels of its maps; 768 for ViT-B. */
  readonly channels: number;
  /** The blocks whose tokens are taken, counted from 0; 3, 5, 7 and 11 for ViT-B. */
  readonly taps: readonly number[];
  /** The scale of each tap's map, falling. Default: 4, 2, 1, ½. */
  readonly scales?: readonly PyramidScale[] | undefined;
  /** Sides of the pooled maps. Default: 1, 2, 3, 6. */
  readonly pools?: readonly number[] | undefined;
  /** A second head for training alone, on the map of scale 1. Its channels; 256 in mmsegmentation. Default: none. */
  readonly auxiliary?: number | undefined;
}

/** Taps and scales of the pyramid, and the place of the map that the auxiliary head takes. */
function pyramid({ taps, scales = [4, 2, 1, 0.5], pools = [1, 2, 3, 6] }: UperNetHead) {
  return { taps, scales, pools, middle: Math.max(0, scales.indexOf(1)) };
}

/** Throws RangeError for taps and scales that do not fit each other or the encoder. */
export function checkUperNet(head: UperNetHead, depth: number): void {
  const { taps, scales } = pyramid(head);
  if (taps.length !== scales.length || taps.some((tap) => !Number.isInteger(tap) || tap < 0 || tap >= depth))
    throw new RangeError(
      `a pyramid needs a tap below ${depth} for each of the ${scales.length} scales, got ${taps}: set taps or scales`,
    );
  if (scales.some((scale, i) => i > 0 && scale >= scales[i - 1]!))
    throw new RangeError(`the scales of a pyramid must fall, got ${scales}`);
}

/** The weights of the head over tokens with this number of channels. */
export function uperNetParameters(head: UperNetHead, width: number, classes: number): LayerParameter[] {
  const { scales, pools } = pyramid(head);
  const { channels, auxiliary } = head;
  const last = scales.length - 1;
  return [
    ...scales.flatMap((scale, i) => neckParameters(`neck.${i}`, scale, width)),
    ...pools.flatMap((_, i) => unitParameters(`psp.${i}`, width, channels, 1)),
    ...unitParameters('bottleneck', width + pools.length * channels, channels, 3),
    ...scales.slice(0, last).flatMap((_, i) => unitParameters(`lateral.${i}`, width, channels, 1)),
    ...scales.slice(0, last).flatMap((_, i) => unitParameters(`fpn.${i}`, channels, channels, 3)),
    ...unitParameters('fuse', scales.length * channels, channels, 3),
    ...classifierParameters('classes', channels, classes),
    ...(auxiliary === undefined
      ? []
      : [
          ...unitParameters('auxiliary', width, auxiliary, 3),
          ...classifierParameters('auxiliary.classes', auxiliary, classes),
        ]),
  ];
}

/** Inputs of a head beside maps and weights. */
export interface UperNetOptions {
  readonly statistics: BatchStatistics;
  /** f32 [B, 1, 1, channels], the scales of the last maps for dropout, also in the auxiliary head. */
  readonly dropout?: { readonly main?: Tensor; readonly auxiliary?: Tensor } | undefined;
}

/**
 * Logits of maps of tokens, those of each tap: [B, H, W, D] each → [B, s·H, s·W, K] at the largest scale s, and those of the auxiliary
 * head, [B, H, W, K], where it has one and trains.
 */
export function uperNet(
  head: UperNetHead,
  weights: Weights,
  taps: readonly Tensor[],
  { statistics, dropout }: UperNetOptions,
): { logits: Tensor; auxiliary?: Tensor } {
  const { scales, pools, middle } = pyramid(head);
  const unit = (x: Tensor, name: string) => normedUnit(x, weights, name, statistics);
  const levels = taps.map((tap, i) => neck(tap, weights, `neck.${i}`, scales[i]!, statistics));
  const top = levels.at(-1)!;
  const size = (x: Tensor) => [x.shape[1]!, x.shape[2]!] as const;
  const pooled = pools.map((side, i) =>
    bilinear(unit(averagePool(top, [side, side]), `psp.${i}`), size(top)),
  );
  const maps = levels.slice(0, -1).map((level, i) => unit(level, `lateral.${i}`));
  maps.push(unit(stacked([top, ...pooled]), 'bottleneck'));
  for (let i = maps.length - 1; i > 0; i--)
    maps[i - 1] = add(maps[i - 1]!, bilinear(maps[i]!, size(maps[i - 1]!)));
  const smooth = maps.map((map, i) => (i === maps.length - 1 ? map : unit(map, `fpn.${i}`)));
  const fused = unit(stacked(smooth.map((map) => bilinear(map, size(smooth[0]!)))), 'fuse');
  const logits = classified(fused, weights, 'classes', dropout?.main);
  if (head.auxiliary === undefined || statistics === 'kept') return { logits };
  const second = unit(levels[middle]!, 'auxiliary');
  return { logits, auxiliary: classified(second, weights, 'auxiliary.classes', dropout?.auxiliary) };
}

/** Names of the tensors that only the auxiliary head has: a model that predicts does without. */
export function isAuxiliary(name: string): boolean {
  return name.startsWith('auxiliary.');
}

/** A convolution without a bias, batch norm and ReLU. */
function unitParameters(name: string, from: number, to: number, side: number): LayerParameter[] {
  const bound = Math.sqrt(6 / (to * side * side)); // the variance of Kaiming's by outputs
  return [
    parameter(`${name}.conv.weight`, [to, from, side, side], { kind: 'uniform', bound }, true),
    ...batchNormParameters(`${name}.bn`, to),
  ];
}

function normedUnit(x: Tensor, weights: Weights, name: string, statistics: BatchStatistics): Tensor {
  return relu(batchNorm(convolve(x, weights(`${name}.conv.weight`)), weights, `${name}.bn`, statistics));
}

function classifierParameters(name: string, width: number, classes: number): LayerParameter[] {
  return [
    parameter(`${name}.weight`, [classes, width, 1, 1], { kind: 'truncatedNormal', std: 0.01 }, true),
    parameter(`${name}.bias`, [classes], { kind: 'zeros' }),
  ];
}

function classified(x: Tensor, weights: Weights, name: string, dropout?: Tensor): Tensor {
  const kept = dropout ? mul(x, dropout) : x;
  return add(convolve(kept, weights(`${name}.weight`)), weights(`${name}.bias`));
}

/** Enlarges by transposed convolutions, with a norm between two of them; halves by the largest of four. */
function neckParameters(name: string, scale: PyramidScale, width: number): LayerParameter[] {
  const bound = 1 / Math.sqrt(4 * width);
  const twice = (part: string) => [
    parameter(`${name}.${part}.weight`, [width, width, 2, 2], { kind: 'uniform', bound }, true),
    parameter(`${name}.${part}.bias`, [width], { kind: 'uniform', bound }),
  ];
  if (scale === 4) return [...twice('up1'), ...batchNormParameters(`${name}.bn`, width), ...twice('up2')];
  return scale === 2 ? twice('up1') : [];
}

function neck(
  x: Tensor,
  weights: Weights,
  name: string,
  scale: PyramidScale,
  statistics: BatchStatistics,
): Tensor {
  const twice = (map: Tensor, part: string) =>
    add(enlargeTwice(map, weights(`${name}.${part}.weight`)), weights(`${name}.${part}.bias`));
  if (scale === 0.5) return maxPool(x);
  if (scale === 1) return x;
  const once = twice(x, 'up1');
  return scale === 2 ? once : twice(gelu(batchNorm(once, weights, `${name}.bn`, statistics)), 'up2');
}
