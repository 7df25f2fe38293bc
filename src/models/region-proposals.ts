import { add, concat, relu, reshape, type Tensor } from '../graph/index.ts';
import { convolve } from '../nn/maps.ts';
import { type LayerParameter, parameter, type Weights } from '../nn/parameters.ts';

/** Anchors at each place of a map. */
const SHAPES = 3;
const LAYERS = [0, 1];

/** The weights of a region proposal network on maps with this number of channels: two convolutions in ViTDet. */
export function proposalParameters(channels: number): LayerParameter[] {
  return [
    ...LAYERS.flatMap((i) => convolutionParameters(`proposals.${i}`, channels, channels, 3)),
    ...convolutionParameters('proposals.objectness', channels, SHAPES, 1),
    ...convolutionParameters('proposals.deltas', channels, 4 * SHAPES, 1),
  ];
}

/**
 * Outputs of region proposals (Faster R-CNN, arXiv 1506.01497) for all anchors, in the order of `anchorsOf`, one map behind the other: whether
 * there is an object, as a logit [B, N], and how to move the anchor to it [B, N, 4].
 */
export function proposeRegions(
  maps: readonly Tensor[],
  weights: Weights,
): { objectness: Tensor; deltas: Tensor } {
  const batch = maps[0]!.shape[0]!;
  const convolved = (x: Tensor, name: string) =>
    add(convolve(x, weights(`${name}.weight`)), weights(`${name}.bias`));
  const each = maps.map((map) => {
    const hidden = LAYERS.reduce((x, i) => relu(convolved(x, `proposals.${i}`)), map);
    return [
      reshape(convolved(hidden, 'proposals.objectness'), [batch, -1]),
      reshape(convolved(hidden, 'proposals.deltas'), [batch, -1, 4]),
    ] as const;
  });
  return {
    objectness: concat(
      each.map(([objectness]) => objectness),
      1,
    ),
    deltas: concat(
      each.map(([, deltas]) => deltas),
      1,
    ),
  };
}

function convolutionParameters(name: string, from: number, to: number, side: number): LayerParameter[] {
  return [
    parameter(`${name}.weight`, [to, from, side, side], { kind: 'truncatedNormal', std: 0.01 }, true),
    parameter(`${name}.bias`, [to], { kind: 'zeros' }),
  ];
}
