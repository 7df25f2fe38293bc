import type { View } from './view.ts';

/** oneDNN's argument numbers of operands. */
export const operands = {
  src: 1,
  src1: 2,
  dst: 17,
  weights: 33,
  bias: 41,
  mean: 49,
  variance: 50,
  scale: 51,
  shift: 52,
  diffSrc: 129,
  diffDst: 145,
  diffWeights: 161,
  diffScale: 255,
  diffShift: 256,
} as const;

/** Memory in a layout that a primitive chose. */
export interface Chosen {
  readonly layout: bigint;
  readonly view: View;
}

export type Operands = Partial<Record<keyof typeof operands, View | Chosen>>;

/** A primitive descriptor and its operands. */
export type Call = readonly [descriptor: bigint, Operands];
