import type { DType, Shape, Tensor, TensorData } from '../../src/graph/index.ts';
import { sizeOf } from '../../src/graph/index.ts';
import type { Rng } from '../../src/random/rng.ts';

export interface CaseInput {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly values: TensorData;
}

/** A use of an operation: its inputs with values, and the graph from them to its outputs. */
export interface OperationCase {
  readonly inputs: readonly CaseInput[];
  build(tensors: readonly Tensor[]): Tensor[];
}

/** Draws a case of one operation. */
export type DrawCase = (random: Rng) => OperationCase;

/** Draws one value; `i` is its place in row-major order. */
export type DrawValue = (i: number) => number;

export const coin = (random: Rng, probability = 0.5) => random.uniform() < probability;
export const pick = <T>(random: Rng, choices: readonly T[]) => choices[random.int(choices.length)]!;
/** A whole number from `low` to `high`, both included. */
export const whole = (random: Rng, low: number, high: number) => low + random.int(high - low + 1);

/** A side from 1 to 5, often 1. */
export const side = (random: Rng) => (coin(random, 0.25) ? 1 : whole(random, 1, 5));

/** Sides of a shape; now and then one of them is 0. */
export function sides(random: Rng, rank: number): number[] {
  const shape = Array.from({ length: rank }, () => side(random));
  if (rank > 0 && coin(random, 0.05)) shape[random.int(rank)] = 0;
  return shape;
}

/** Two shapes that broadcast to `shape`: axes of side 1 and missing leading axes, on one side at a time. */
export function broadcastPair(random: Rng, shape: Shape): [number[], number[]] {
  const pair: [number[], number[]] = [[...shape], [...shape]];
  shape.forEach((_, axis) => {
    if (coin(random, 0.3)) pair[random.int(2)]![axis] = 1;
  });
  const shorter = pair[random.int(2)]!;
  while (shorter[0] === 1 && coin(random)) shorter.shift();
  return pair;
}

export function f32(name: string, shape: Shape, draw: DrawValue): CaseInput {
  return {
    name,
    shape,
    dtype: 'f32',
    values: Float32Array.from({ length: sizeOf(shape) }, (_, i) => draw(i)),
  };
}

export function i32(name: string, shape: Shape, draw: DrawValue): CaseInput {
  return { name, shape, dtype: 'i32', values: Int32Array.from({ length: sizeOf(shape) }, (_, i) => draw(i)) };
}

/** A tensor of any type, most often of floats. */
export function anyType(random: Rng, name: string, shape: Shape): CaseInput {
  const size = { length: sizeOf(shape) };
  if (coin(random, 0.6)) return f32(name, shape, () => random.normal());
  if (coin(random)) return i32(name, shape, () => random.int(2001) - 1000);
  return { name, shape, dtype: 'u8', values: Uint8Array.from(size, () => random.int(256)) };
}

/** Magnitude from ½ to 2 and either sign: away from 0, where some functions bend or end. */
export const awayFromZero = (random: Rng): DrawValue => {
  return () => random.uniform(0.5, 2) * (coin(random) ? 1 : -1);
};

/** A whole number from −3 to 3 and a fraction: values with fractions far apart are never close. */
export const fraction = (random: Rng, low: number, high: number): DrawValue => {
  return () => random.int(7) - 3 + random.uniform(low, high);
};

/** Values at least 0.1 apart from one another. */
export const apart = (random: Rng, size: number): DrawValue => {
  const order = random.permutation(size);
  return (i) => 0.2 * (order[i]! - size / 2) + random.uniform(0, 0.1);
};

/** Values whose variance along the last axis is not small. */
export const varied = (random: Rng, width: number): DrawValue => {
  return (i) => ((i % width) % 2 ? 1 : -1) + random.normal(0, 0.3);
};

/** The first rows of a random order for each sample, and the place of every row in that order. */
export function partOfOrders(random: Rng, batch: number, rows: number): [CaseInput, CaseInput] {
  const count = whole(random, 1, rows);
  const orders = Array.from({ length: batch }, () => [...random.permutation(rows)]);
  const taken = orders.flatMap((order) => order.slice(0, count));
  const back = orders.flatMap((order) => order.map((_, row) => order.indexOf(row)));
  return [i32('indices', [batch, count], (i) => taken[i]!), i32('inverse', [batch, rows], (i) => back[i]!)];
}
