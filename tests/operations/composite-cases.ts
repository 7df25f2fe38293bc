import type { Tensor } from '../../src/graph/index.ts';
import * as g from '../../src/graph/index.ts';
import {
  awayFromZero,
  coin,
  type DrawCase,
  f32,
  type OperationCase,
  side,
  sides,
  varied,
  whole,
} from './draw.ts';

/** The same case, continued to the gradients of all its inputs, with a cotangent of random numbers. */
export const differentiated =
  (draw: DrawCase): DrawCase =>
  (random) => {
    const { inputs, build } = draw(random);
    const made = build(inputs.map(({ name, shape }) => g.input(name, shape)))[0]!;
    return {
      inputs: [...inputs, f32('dy', made.shape, () => random.normal())],
      build: (tensors) => {
        const wrt = tensors.slice(0, -1);
        return g.grad(g.sumAll(g.mul(build(wrt)[0]!, tensors.at(-1)!)), wrt);
      },
    };
  };

const gelu: DrawCase = (random) => ({
  inputs: [f32('x', sides(random, random.int(4)), () => random.normal())],
  build: ([x]) => [g.gelu(x!)],
});

const relu: DrawCase = (random) => ({
  inputs: [f32('x', sides(random, random.int(4)), awayFromZero(random))],
  build: ([x]) => [g.relu(x!)],
});

const crossEntropy: DrawCase = (random) => {
  const shape = [side(random), side(random)];
  return {
    inputs: [
      f32('logits', shape, () => random.normal(0, 2)),
      f32('targets', shape, () => random.uniform(0.1, 1)),
    ],
    build: ([logits, targets]) => [g.crossEntropy(logits!, targets!)],
  };
};

const softmax: DrawCase = (random) => ({
  inputs: [f32('x', [...sides(random, random.int(3)), side(random)], () => random.normal(0, 2))],
  build: ([x]) => [g.softmax(x!)],
});

const logSoftmax: DrawCase = (random) => ({
  inputs: [f32('x', [...sides(random, random.int(3)), side(random)], () => random.normal(0, 2))],
  build: ([x]) => [g.logSoftmax(x!)],
});

const batchNorm: DrawCase = (random) => {
  const shape = Array.from({ length: whole(random, 1, 3) }, () => whole(random, 2, 4));
  const width = coin(random, 0.3) ? whole(random, 16, 40) : whole(random, 1, 5);
  return {
    inputs: [
      f32('x', [...shape, width], () => random.normal(0.5, 2)),
      f32('weight', [width], () => random.normal(1, 0.3)),
      f32('bias', [width], () => random.normal()),
    ],
    build: ([x, weight, bias]) => {
      const { y, average, variance } = g.batchNorm(x!, weight!, bias!, 0.1);
      return [y, average, variance];
    },
  };
};

const layerNorm: DrawCase = (random) => {
  const width = coin(random, 0.1) ? 1 : whole(random, 2, 8);
  return {
    inputs: [
      f32('x', [...sides(random, random.int(3)), width], varied(random, width)),
      f32('weight', [width], () => random.normal(1, 0.3)),
      f32('bias', [width], () => random.normal()),
    ],
    build: ([x, weight, bias]) => [g.layerNorm(x!, weight!, bias!, 1e-3)],
  };
};

const linear: DrawCase = (random) => {
  const [rows, out, width] = [sides(random, random.int(3)), side(random), side(random)];
  const inputs = [
    f32('x', [...rows, width], () => random.normal()),
    f32('weight', [out, width], () => random.normal()),
    f32('bias', [out], () => random.normal()),
  ];
  return {
    inputs: coin(random, 0.3) ? inputs.slice(0, 2) : inputs,
    build: ([x, weight, bias]) => [g.linear(x!, weight!, bias)],
  };
};

const mlp: DrawCase = (random) => {
  const [rows, width, hidden, out] = [sides(random, random.int(3)), side(random), side(random), side(random)];
  const draw = (name: string, ...shape: number[]) => f32(name, shape, () => random.normal());
  return {
    inputs: [
      draw('x', ...rows, width),
      draw('weight1', hidden, width),
      draw('bias1', hidden),
      draw('weight2', out, hidden),
      draw('bias2', out),
    ],
    build: ([x, weight1, bias1, weight2, bias2]) => [g.mlp(x!, weight1!, bias1!, weight2!, bias2!)],
  };
};

const attention: DrawCase = (random): OperationCase => {
  const [batch, heads, queries, keys, width] = Array.from({ length: 5 }, () => side(random));
  const scale = coin(random) ? random.uniform(0.1, 1) : undefined;
  const draw = (name: string, tokens: number) =>
    f32(name, [batch!, heads!, tokens, width!], () => random.normal());
  return {
    inputs: [draw('q', queries!), draw('k', keys!), draw('v', keys!)],
    build: ([q, k, v]: readonly Tensor[]) => [g.attention(q!, k!, v!, scale)],
  };
};

const split: DrawCase = (random) => {
  const shape = sides(random, whole(random, 1, 4));
  const [axis, count] = [random.int(shape.length), whole(random, 1, 4)];
  return {
    inputs: [f32('x', shape.with(axis, count * shape[axis]!), () => random.normal())],
    build: ([x]) => g.split(x!, axis, count),
  };
};

const splitHeads: DrawCase = (random) => {
  const [batch, heads, tokens, features] = Array.from({ length: 4 }, () => side(random));
  const count = whole(random, 1, 3);
  return {
    inputs: [f32('x', [batch!, tokens!, count * heads! * features!], () => random.normal())],
    build: ([x]) => g.splitHeads(x!, count, heads!),
  };
};

const mergeHeads: DrawCase = (random) => {
  const shape = Array.from({ length: 4 }, () => side(random));
  const names = ['q', 'k', 'v'].slice(random.int(3));
  return {
    inputs: names.map((name) => f32(name, shape, () => random.normal())),
    build: (parts) => [g.mergeHeads(parts)],
  };
};

const sumOfSquares: DrawCase = (random) => ({
  inputs: [f32('x', [...sides(random, random.int(3)), side(random)], () => random.normal())],
  build: ([x]) => [g.sumOfSquares(x!)],
});

export const compositeCases: Readonly<Record<string, DrawCase>> = {
  gelu,
  geluGrad: differentiated(gelu),
  crossEntropy,
  softmax,
  logSoftmax,
  relu,
  reluGrad: differentiated(relu),
  batchNorm,
  batchNormGrad: differentiated(batchNorm),
  layerNorm,
  layerNormGrad: differentiated(layerNorm),
  linear,
  mlp,
  mlpGrad: differentiated(mlp),
  attention,
  attentionGrad: differentiated(attention),
  split,
  splitHeads,
  mergeHeads,
  sumOfSquares,
};
