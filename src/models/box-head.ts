import { linear, relu, reshape, type Tensor } from '../graph/index.ts';
import { type LayerParameter, parameter, type Weights } from '../nn/parameters.ts';
import { normedUnit, unitParameters } from './pyramid.ts';

/** Values that the head reads of a box along each side. */
export const BOX_BINS = 7;

/** Sizes of the heads that look at boxes: ViTDet has 4 convolutions and 1024 hidden features. */
export interface BoxHead {
  readonly channels: number;
  readonly convolutions: number;
  /** Width of the box head's hidden layer. */
  readonly hidden: number;
}

/** The bound of uniform first weights with the variance of He's by outputs. */
export const boundBy = (outputs: number): number => Math.sqrt(6 / outputs);

/** Convolutions with norms, as both heads begin. */
export function towerParameters(name: string, { channels, convolutions }: BoxHead): LayerParameter[] {
  return Array.from({ length: convolutions }, (_, i) =>
    unitParameters(`${name}.${i}`, channels, channels, 3, boundBy(9 * channels)),
  ).flat();
}

export function tower(x: Tensor, weights: Weights, name: string, { convolutions }: BoxHead): Tensor {
  let y = x;
  for (let i = 0; i < convolutions; i++) y = relu(normedUnit(y, weights, `${name}.${i}`));
  return y;
}

export function boxHeadParameters(head: BoxHead, classes: number): LayerParameter[] {
  const { channels, hidden } = head;
  const features = BOX_BINS ** 2 * channels;
  const layer = (name: string, from: number, to: number, init: LayerParameter['init']) => [
    parameter(`${name}.weight`, [to, from], init, true),
    parameter(`${name}.bias`, [to], { kind: 'zeros' }),
  ];
  return [
    ...towerParameters('boxes', head),
    ...layer('boxes.hidden', features, hidden, { kind: 'uniform', bound: Math.sqrt(3 / features) }),
    ...layer('boxes.classes', hidden, classes + 1, { kind: 'truncatedNormal', std: 0.01 }),
    ...layer('boxes.deltas', hidden, 4 * classes, { kind: 'truncatedNormal', std: 0.001 }),
  ];
}

/**
 * Outputs of the box head for boxes [n, 7, 7, C]: logits of the classes, the last one for no class [n, K + 1], and for each class how to move
 * the box [n, K, 4].
 */
export function boxHead(x: Tensor, weights: Weights, head: BoxHead): { logits: Tensor; deltas: Tensor } {
  const y = tower(x, weights, 'boxes', head);
  const count = y.shape[0]!;
  const of = (z: Tensor, name: string) => linear(z, weights(`${name}.weight`), weights(`${name}.bias`));
  const hidden = relu(of(reshape(y, [count, -1]), 'boxes.hidden'));
  return {
    logits: of(hidden, 'boxes.classes'),
    deltas: reshape(of(hidden, 'boxes.deltas'), [count, -1, 4]),
  };
}
