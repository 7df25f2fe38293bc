import { add, relu, type Tensor } from '../graph/index.ts';
import { convolve, enlargeTwice } from '../nn/maps.ts';
import { type LayerParameter, parameter, type Weights } from '../nn/parameters.ts';
import { type BoxHead, boundBy, tower, towerParameters } from './box-head.ts';

/** Values that the head reads of a box along each side; its masks have twice as many. */
export const MASK_BINS = 14;

export function maskHeadParameters(head: BoxHead, classes: number): LayerParameter[] {
  const { channels } = head;
  const up = { kind: 'uniform', bound: boundBy(4 * channels) } as const;
  return [
    ...towerParameters('masks', head),
    parameter('masks.up.weight', [channels, channels, 2, 2], up, true),
    parameter('masks.up.bias', [channels], { kind: 'zeros' }),
    parameter(
      'masks.classes.weight',
      [classes, channels, 1, 1],
      { kind: 'truncatedNormal', std: 0.001 },
      true,
    ),
    parameter('masks.classes.bias', [classes], { kind: 'zeros' }),
  ];
}

/** Logits of each class's mask in boxes (Mask R-CNN, arXiv 1703.06870): [n, p, p, C] → [n, 2p, 2p, K]. */
export function maskHead(x: Tensor, weights: Weights, head: BoxHead): Tensor {
  const twice = enlargeTwice(tower(x, weights, 'masks', head), weights('masks.up.weight'));
  const y = relu(add(twice, weights('masks.up.bias')));
  return add(convolve(y, weights('masks.classes.weight')), weights('masks.classes.bias'));
}
