import type { Tensor } from '../../src/graph/index.ts';
import * as g from '../../src/graph/index.ts';
import type { Rng } from '../../src/random/rng.ts';
import { compositeCases, differentiated } from './composite-cases.ts';
import {
  anyType,
  apart,
  awayFromZero,
  broadcastPair,
  type CaseInput,
  coin,
  type DrawCase,
  type DrawValue,
  f32,
  fraction,
  i32,
  type OperationCase,
  partOfOrders,
  pick,
  side,
  sides,
  whole,
} from './draw.ts';

export type { CaseInput } from './draw.ts';

const normal =
  (random: Rng): DrawValue =>
  () =>
    random.normal();
const rank = (random: Rng) => random.int(5);

/** One tensor in, one out. */
const one = (input: CaseInput, f: (x: Tensor) => Tensor): OperationCase => ({
  inputs: [input],
  build: ([x]) => [f(x!)],
});

const unary =
  (f: (x: Tensor) => Tensor, draw: (random: Rng) => DrawValue = normal): DrawCase =>
  (random) =>
    one(f32('x', sides(random, rank(random)), draw(random)), f);

const binary =
  (f: (a: Tensor, b: Tensor) => Tensor, drawA = normal, drawB = normal): DrawCase =>
  (random) => {
    const [a, b] = broadcastPair(random, sides(random, rank(random)));
    return {
      inputs: [f32('a', a, drawA(random)), f32('b', b, drawB(random))],
      build: ([x, y]) => [f(x!, y!)],
    };
  };

/** Some of the axes of a shape, in any order. */
const someAxes = (random: Rng, shape: readonly number[]) =>
  [...random.permutation(shape.length)].slice(0, whole(random, 1, shape.length));

const low = (random: Rng) => fraction(random, 0.1, 0.3);
const high = (random: Rng) => fraction(random, 0.6, 0.8);
const positive = (random: Rng) => () => random.uniform(0.5, 2);

/** A side of an image, and how filters move along it: zeros around, or a part of the image cut off; some all of it. */
function drawWindow(random: Rng) {
  const [taps, stride] = [whole(random, 1, 3), whole(random, 1, 3)];
  const [inputDilation, filterDilation] = [pick(random, [1, 1, 2, 3]), pick(random, [1, 1, 2])];
  const padding = [whole(random, -3, 4), whole(random, -3, 4)] as const;
  const least = 1 + (taps - 1) * filterDilation - padding[0] - padding[1];
  const side = Math.max(1, Math.ceil((least - 1) / inputDilation) + 1) + random.int(4);
  return { side, taps, stride, inputDilation, filterDilation, padding };
}

const conv: DrawCase = (random) => {
  // Depthwise where a group has one channel.
  const wide = coin(random, 0.3);
  const groups = pick(random, [1, 1, 2, 3]);
  // Engines compute layers of many channels in another way.
  const width = () => (groups === 1 && wide ? whole(random, 16, 20) : whole(random, 1, 3));
  const [batch, channels, out] = [whole(random, 1, 3), width(), width()];
  const axes = [drawWindow(random), drawWindow(random)] as const;
  const both = <T>(of: (axis: (typeof axes)[number]) => T) => [of(axes[0]), of(axes[1])] as const;
  const options = {
    strides: both(({ stride }) => stride),
    padding: both(({ padding }) => padding),
    inputDilation: both(({ inputDilation }) => inputDilation),
    filterDilation: both(({ filterDilation }) => filterDilation),
    groups,
  };
  const gradients = coin(random);
  return {
    inputs: [
      f32('x', [batch, groups * channels, ...both(({ side }) => side)], normal(random)),
      f32('filters', [groups * out, channels, ...both(({ taps }) => taps)], normal(random)),
    ],
    build: ([x, filters]) => {
      const y = g.conv(x!, filters!, options);
      // With its gradients, the row has second derivatives.
      return gradients ? [y, ...g.grad(g.sumAll(g.square(y)), [x!, filters!])] : [y];
    },
  };
};

const primitiveCases: Record<string, DrawCase> = {
  input: (random) => one(anyType(random, 'x', sides(random, rank(random))), (x) => x),
  constant: (random) => {
    const { values, shape } = anyType(random, 'x', sides(random, rank(random)));
    return { inputs: [], build: () => [g.constant(values, shape)] };
  },

  add: binary(g.add),
  sub: binary(g.sub),
  mul: binary(g.mul),
  div: binary(g.div, normal, awayFromZero),
  maximum: binary(g.maximum, low, high),
  minimum: binary(g.minimum, high, low),
  neg: unary(g.neg),
  exp: unary(g.exp),
  log: unary(g.log, positive),
  sqrt: unary(g.sqrt, positive),
  abs: unary(g.abs, awayFromZero),
  sign: unary(g.sign, awayFromZero),
  floor: unary(g.floor, high),
  erf: unary(g.erf),

  sum: (random) => {
    const shape = sides(random, whole(random, 1, 4));
    const axes = someAxes(random, shape);
    return one(f32('x', shape, normal(random)), (x) => g.sum(x, axes));
  },
  max: (random) => {
    const shape = Array.from({ length: whole(random, 1, 4) }, () => side(random));
    const axes = someAxes(random, shape);
    return one(f32('x', shape, apart(random, g.sizeOf(shape))), (x) => g.max(x, axes));
  },

  reshape: (random) => {
    const shape = sides(random, rank(random));
    const [first = 1, ...rest] = [...random.permutation(shape.length)].map((axis) => shape[axis]!);
    const splits = [1, 2, 3, 4, 5].filter((part) => first % part === 0);
    const part = pick(random, splits);
    return one(anyType(random, 'x', shape), (x) => g.reshape(x, [part, ...rest, first / part]));
  },
  transpose: (random) => {
    const shape = sides(random, whole(random, 2, 5));
    const permutation = [...random.permutation(shape.length)];
    return one(anyType(random, 'x', shape), (x) => g.transpose(x, permutation));
  },
  broadcast: (random) => {
    const shape = sides(random, rank(random));
    const from = shape.map((n) => (coin(random) ? 1 : n));
    while (from[0] === 1 && coin(random)) from.shift();
    return one(anyType(random, 'x', from), (x) => g.broadcast(x, shape));
  },
  slice: (random) => {
    const shape = sides(random, whole(random, 1, 4));
    const starts = shape.map((n) => whole(random, 0, n));
    const ends = shape.map((n, axis) => whole(random, Math.min(n, starts[axis]! + 1), n));
    return one(anyType(random, 'x', shape), (x) => g.slice(x, starts, ends));
  },
  pad: (random) => {
    const shape = sides(random, whole(random, 1, 4));
    const counts = () => shape.map(() => random.int(3));
    const [before, after] = [counts(), counts()];
    return one(anyType(random, 'x', shape), (x) => g.pad(x, before, after));
  },
  concat: (random) => {
    const shape = sides(random, whole(random, 1, 4));
    const axis = random.int(shape.length);
    if (coin(random) && shape[axis]! > 0) {
      // Pieces of one tensor, in any order and of any length: neighbours in memory, or not.
      const pieces = Array.from({ length: whole(random, 1, 4) }, () => {
        const start = random.int(shape[axis]!);
        return [start, coin(random) ? start + 1 : whole(random, start + 1, shape[axis]!)] as const;
      });
      return one(anyType(random, 'x', shape), (x) =>
        g.concat(
          pieces.map(([start, end]) => g.sliceAxis(x, axis, start, end)),
          axis,
        ),
      );
    }
    const first = anyType(random, 'x0', shape);
    const inputs = [first];
    while (inputs.length < 4 && coin(random, 0.7)) {
      const next = anyType(random, `x${inputs.length}`, shape.with(axis, side(random)));
      if (next.dtype === first.dtype) inputs.push(next);
    }
    return { inputs, build: (tensors) => [g.concat(tensors, axis)] };
  },
  reverse: (random) => {
    const shape = sides(random, whole(random, 1, 4));
    const axes = someAxes(random, shape);
    return one(anyType(random, 'x', shape), (x) => g.reverse(x, axes));
  },
  cast: (random) => {
    const shape = sides(random, rank(random));
    const dtype = pick(random, ['f32', 'i32', 'u8'] as const);
    const small = f32('x', shape, () => random.uniform(0, 255));
    return one(dtype === 'u8' ? small : anyType(random, 'x', shape), (x) => g.cast(x, dtype));
  },

  gather: (random) => {
    const [batch, rows] = [side(random), side(random)];
    const rest = sides(random, random.int(3));
    const shared = coin(random, 0.3);
    const x = anyType(random, 'x', [shared ? 1 : batch, rows, ...rest]);
    if (coin(random)) {
      const indices = i32('indices', [batch, side(random)], () => random.int(rows));
      return { inputs: [x, indices], build: ([t, at]) => [g.gather(t!, at!)] };
    }
    const [indices, inverse] = partOfOrders(random, batch, rows);
    return { inputs: [x, indices, inverse], build: ([t, at, back]) => [g.gather(t!, at!, back!)] };
  },
  scatterAdd: (random) => {
    const [batch, count, rows] = [side(random), side(random), side(random)];
    return {
      inputs: [
        f32('x', [batch, count, ...sides(random, random.int(3))], normal(random)),
        i32('indices', [batch, count], () => random.int(rows)),
      ],
      build: ([x, indices]) => [g.scatterAdd(x!, indices!, rows)],
    };
  },
  invertPermutation: (random) => {
    const [batch, count] = [side(random), side(random)];
    const orders = Array.from({ length: batch }, () => [...random.permutation(count)]).flat();
    return one(
      i32('order', [batch, count], (i) => orders[i]!),
      g.invertPermutation,
    );
  },

  conv,
  convInputGrad: differentiated(conv),
  convFilterGrad: differentiated(conv),
  matmul: (random) => {
    const [m, k, n] = [side(random), side(random), side(random)];
    const [batchA, batchB] = broadcastPair(random, sides(random, random.int(3)));
    const [transposeA, transposeB] = [coin(random), coin(random)];
    const alpha = pick(random, [1, 0.5, Math.fround(random.normal())]);
    return {
      inputs: [
        f32('a', [...batchA, ...(transposeA ? [k, m] : [m, k])], normal(random)),
        f32('b', [...batchB, ...(transposeB ? [n, k] : [k, n])], normal(random)),
      ],
      build: ([a, b]) => [g.matmul(a!, b!, { transposeA, transposeB, alpha })],
    };
  },
};

/**
 * A generator of random cases for every operation of the graph, by the operation's name; those named `…Grad` use it
 * by differentiating. Any engine must agree with the reference on all of them.
 * Values keep away from kinks and poles, so that finite differences hold; one shape in twenty is empty.
 */
export const cases: Readonly<Record<string, DrawCase>> = { ...primitiveCases, ...compositeCases };
