import type { Program, Tensor } from '../../src/graph/index.ts';
import * as g from '../../src/graph/index.ts';
import type { Rng } from '../../src/random/rng.ts';
import { coin, pick, whole } from './draw.ts';

/** Powers of two: products of them are exact, in whatever order. */
const numbers = [0, 1, -1, 2, 0.5, -0.25];

/** Shapes of the inputs, which broadcast with one another in many ways. */
const shapes = [[], [4], [1, 4], [2, 1], [2, 4], [4, 4], [2, 1, 4], [2, 4, 4], [2, 2, 4, 4]];

type Step = (random: Rng, pick: () => Tensor) => Tensor;

const last = (x: Tensor) => x.shape.length - 1;
const vector = (x: Tensor) => g.reshape(g.slice(g.reshape(x, [-1]), [0], [1]), [1]);

const steps: readonly Step[] = [
  (_, x) => g.neg(x()),
  (_, x) => g.neg(g.neg(x())),
  (_, x) => g.erf(x()),
  (_, x) => g.gelu(x()),
  (_, x) => g.abs(x()),
  (_, x) => g.square(g.erf(x())),
  (random, x) => g.add(x(), pick(random, numbers)),
  (random, x) => g.add(pick(random, numbers), x()),
  (random, x) => g.sub(x(), pick(random, numbers)),
  (random, x) => g.sub(pick(random, numbers), x()),
  (random, x) => g.mul(x(), pick(random, numbers)),
  (random, x) => g.mul(pick(random, numbers), x()),
  (random, x) => g.mul(g.mul(x(), pick(random, numbers)), pick(random, numbers)),
  (random, x) => g.div(x(), pick(random, numbers.slice(1))),
  (_, x) => g.add(x(), x()),
  (_, x) => g.sub(x(), g.neg(x())),
  (_, x) => g.mul(g.erf(x()), g.erf(x())),
  (_, x) => g.maximum(x(), x()),
  (random, x) => {
    const [a, b] = [x(), x()];
    const wide = (t: Tensor) => (coin(random) ? t : g.broadcast(t, [2, ...t.shape]));
    return g.add(wide(a), wide(b));
  },
  (_, x) => g.reshape(g.reshape(x(), [-1]), [2, -1]),
  (_, x) => {
    const y = x();
    return g.transpose(g.transpose(y, backwards(y)), backwards(y));
  },
  (_, x) => {
    const y = x();
    return g.transpose(y, backwards(y));
  },
  (random, x) => {
    const y = x();
    const axes = [...random.permutation(y.shape.length)];
    return g.transpose(g.transpose(y, axes), [...random.permutation(axes.length)]);
  },
  (random, x) => {
    const y = x();
    const axes = y.shape.map((_, axis) => axis).filter(() => coin(random));
    return coin(random) ? g.mean(y, axes) : g.max(y, axes);
  },
  (random, x) => {
    const swap = (y: Tensor) => g.transpose(y, [...y.shape.keys()].toSpliced(-2, 2, last(y), last(y) - 1));
    const [a, b] = [g.erf(x()), g.erf(x())].map((y) => (coin(random) && y.shape.length > 1 ? swap(y) : y));
    return g.erf(g.matmul(a!, b!, { transposeA: coin(random), transposeB: coin(random), alpha: 0.5 }));
  },
  (_, x) => g.softmax(x()),
  (_, x) => {
    const y = x();
    const weight = g.broadcast(vector(y), [y.shape[last(y)]!]);
    return g.layerNorm(y, g.erf(weight), weight, 1);
  },
  (_, x) => {
    const y = x();
    return g.erf(g.linear(y, g.broadcast(vector(y), [4, y.shape[last(y)]!])));
  },
  (random, x) => {
    const [q, k] = [x(), x()].map((y) => g.reshape(g.erf(y), [1, 2, -1, 4]));
    return g.attention(q!, k!, k!, coin(random) ? 0.5 : 1);
  },
  (_, x) => g.concat(g.split(x(), 0, 2), 0),
  (_, x) => g.sumOfSquares(g.erf(x())),
];

/** A random network of operations, many of them redundant, and its gradients; sides are powers of two. */
export function randomProgram(random: Rng): { program: Program; values: Record<string, Float64Array> } {
  const inputs = Array.from({ length: 3 }, (_, i) => g.input(`x${i}`, pick(random, shapes)));
  const pool = [...inputs];
  const wanted = whole(random, 5, 20);
  while (pool.length < wanted) {
    try {
      const made = pick(random, steps)(random, () => pick(random, pool));
      if (g.sizeOf(made.shape) <= 256) pool.push(made);
    } catch (error) {
      // The shapes did not suit the operation: another try.
      if (!(error instanceof g.GraphError)) throw error;
    }
  }
  const outputs = pool.slice(-3);
  const loss = outputs.map((y) => g.meanAll(g.erf(y))).reduce(g.add);
  const gradients = g.grad(loss, inputs);
  const named = [...outputs, loss, ...gradients].map((tensor, i) => [`y${i}`, tensor]);
  const given = inputs.map((tensor) => [
    g.inputName(tensor),
    Float64Array.from({ length: g.sizeOf(tensor.shape) }, () => random.normal()),
  ]);
  return { program: g.program('random', Object.fromEntries(named)), values: Object.fromEntries(given) };
}

function backwards(y: Tensor): number[] {
  return y.shape.map((_, axis) => last(y) - axis);
}
