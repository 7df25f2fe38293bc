import { describe, expect, it } from 'vitest';
import type { DType, Shape, Tensor } from './index.ts';
import * as g from './index.ts';

const f32 = (...shape: number[]) => g.input('x', shape);
const of = (dtype: DType, ...shape: number[]) => g.input('x', shape, dtype);
/** An operation without a public function. */
const raw = (name: string, ...shapes: Shape[]) =>
  g.applyAll(
    g.operations().get(name)!,
    shapes.map((shape) => g.input('x', shape)),
    { scale: 1, groups: 1, window: [3, 3], image: [2, 2, 8, 8] },
  );

const unary = {
  neg: g.neg,
  exp: g.exp,
  log: g.log,
  sqrt: g.sqrt,
  abs: g.abs,
  sign: g.sign,
  floor: g.floor,
  erf: g.erf,
};
const binary = { add: g.add, sub: g.sub, mul: g.mul, div: g.div, maximum: g.maximum, minimum: g.minimum };

/** Wrong uses: the operation, the use, and the message after the operation's name. */
const refusals: [string, () => unknown, string][] = [
  ...Object.entries(unary).map(([name, f]): [string, () => Tensor, string] => [
    name,
    () => f(of('i32', 2)),
    'inputs must be f32, got i32[2]',
  ]),
  ...Object.entries(binary).map(([name, f]): [string, () => Tensor, string] => [
    name,
    () => f(f32(2, 3), f32(2)),
    'sides must be equal or 1, got f32[2, 3] and f32[2]',
  ]),
  ['add', () => g.add(f32(2), of('u8', 2)), 'inputs must be f32, got f32[2] and u8[2]'],
  ['input', () => f32(2, -1), 'sides must be whole and not negative, got f32[2, -1]'],
  ['input', () => f32(0.5), 'sides must be whole and not negative, got f32[0.5]'],
  ['constant', () => g.constant(new Float32Array(3), [2]), '[2] holds 2 values, got 3'],
  ['sum', () => g.sum(f32(2, 3), [2]), 'axes (2) must exist and differ, got f32[2, 3]'],
  ['sum', () => g.sum(f32(2, 3), [1, 1]), 'axes (1, 1) must exist and differ, got f32[2, 3]'],
  ['sum', () => g.sum(f32(2, 3), [-1]), 'axes (-1) must exist and differ, got f32[2, 3]'],
  ['max', () => g.max(f32(2, 0)), 'axes (0, 1) must not be empty, got f32[2, 0]'],
  ['max', () => g.max(of('u8', 2)), 'inputs must be f32, got u8[2]'],
  ['reshape', () => g.reshape(f32(2, 3), [5]), '[5] must hold as many values as the input, got f32[2, 3]'],
  [
    'reshape',
    () => g.reshape(f32(2, 3), [4, -1]),
    '[4, -1] must hold as many values as the input, got f32[2, 3]',
  ],
  ['reshape', () => g.reshape(f32(2, 2), [-2, -2]), 'sides must be whole and not negative, got f32[-2, -2]'],
  ['transpose', () => g.transpose(f32(2, 3), [0]), '(0) must name every axis once, got f32[2, 3]'],
  ['transpose', () => g.transpose(f32(2, 3), [1, 1]), '(1, 1) must name every axis once, got f32[2, 3]'],
  ['broadcast', () => g.broadcast(f32(2), [2, 3]), 'sides must be 1 or match [2, 3], got f32[2]'],
  ['broadcast', () => g.broadcast(f32(1, 2), [2]), 'sides must be 1 or match [2], got f32[1, 2]'],
  ['slice', () => g.slice(f32(4), [3], [5]), '(3) to (5) must lie inside the input, got f32[4]'],
  ['slice', () => g.slice(f32(4), [3], [2]), '(3) to (2) must lie inside the input, got f32[4]'],
  ['slice', () => g.slice(f32(4), [0, 0], [1, 1]), '(0, 0) to (1, 1) must lie inside the input, got f32[4]'],
  ['pad', () => g.pad(f32(4), [-1], [0]), '(-1) and (0) must count zeros along each axis, got f32[4]'],
  ['pad', () => g.pad(f32(4), [1], []), '(1) and () must count zeros along each axis, got f32[4]'],
  [
    'concat',
    () => g.concat([f32(2, 3), f32(3, 2)], 0),
    'inputs must agree on every axis but 0, got f32[2, 3] and f32[3, 2]',
  ],
  [
    'concat',
    () => g.concat([f32(2), of('i32', 2)], 0),
    'inputs must agree on every axis but 0, got f32[2] and i32[2]',
  ],
  ['concat', () => g.concat([f32(2)], 1), 'inputs must agree on every axis but 1, got f32[2]'],
  ['reverse', () => g.reverse(f32(2), [1]), 'axes (1) must exist and differ, got f32[2]'],
  [
    'gather',
    () => g.gather(f32(2, 3), f32(2, 1)),
    'rows [B or 1, N, ...] are taken by i32 indices [B, K], got f32[2, 3] and f32[2, 1]',
  ],
  [
    'gather',
    () => g.gather(f32(2, 3), of('i32', 3, 1)),
    'rows [B or 1, N, ...] are taken by i32 indices [B, K], got f32[2, 3] and i32[3, 1]',
  ],
  [
    'gather',
    () => g.gather(f32(1, 3), of('i32', 2, 4), of('i32', 2, 3)),
    'rows [B or 1, N, ...], indices [B, K ≤ N] and inverse i32 [B, N] must fit, got f32[1, 3] and i32[2, 4] and i32[2, 3]',
  ],
  [
    'scatterAdd',
    () => g.scatterAdd(f32(2, 3), of('i32', 2, 2), 5),
    'f32 rows [B, K, ...] are added by i32 indices [B, K], got f32[2, 3] and i32[2, 2]',
  ],
  ['invertPermutation', () => g.invertPermutation(of('i32', 3)), 'orders are i32 [B, N], got i32[3]'],
  [
    'conv',
    () => g.conv(f32(2, 3, 8, 8), f32(4, 2, 3, 3)),
    'images [N, 1·C, H, W] take filters [1·O, C, k, l], got f32[2, 3, 8, 8] and f32[4, 2, 3, 3]',
  ],
  [
    'conv',
    () => g.conv(f32(2, 4, 8, 8), f32(3, 2, 3, 3), { groups: 2 }),
    'images [N, 2·C, H, W] take filters [2·O, C, k, l], got f32[2, 4, 8, 8] and f32[3, 2, 3, 3]',
  ],
  [
    'conv',
    () => g.conv(f32(3, 8, 8), f32(4, 3, 3, 3)),
    'images [N, 1·C, H, W] take filters [1·O, C, k, l], got f32[3, 8, 8] and f32[4, 3, 3, 3]',
  ],
  [
    'conv',
    () => g.conv(f32(1, 1, 2, 2), f32(1, 1, 5, 1)),
    'filters must fit into the padded images, got f32[1, 1, 2, 2] and f32[1, 1, 5, 1]',
  ],
  [
    'conv',
    () => g.conv(f32(1, 1, 9, 9), f32(1, 1, 3, 1), { filterDilation: [5, 1] }),
    'filters must fit into the padded images, got f32[1, 1, 9, 9] and f32[1, 1, 3, 1]',
  ],
  [
    'conv',
    () => g.conv(f32(0, 1, 2, 2), f32(1, 1, 1, 1)),
    'images and filters must not be empty, got f32[0, 1, 2, 2] and f32[1, 1, 1, 1]',
  ],
  [
    'conv',
    () => g.conv(f32(1, 0, 2, 2), f32(1, 0, 1, 1)),
    'images and filters must not be empty, got f32[1, 0, 2, 2] and f32[1, 0, 1, 1]',
  ],
  [
    'conv',
    () => g.conv(f32(1, 1, 2, 2), f32(1, 1, 1, 1), { strides: [0, 1] }),
    'strides, dilations and groups must be whole and positive, padding whole, got strides 0,1; dilations 1,1 and 1,1; groups 1; padding 0,0,0,0',
  ],
  [
    'conv',
    () => g.conv(f32(1, 1, 2, 2), f32(1, 1, 1, 1), { groups: 0 }),
    'strides, dilations and groups must be whole and positive, padding whole, got strides 1,1; dilations 1,1 and 1,1; groups 0; padding 0,0,0,0',
  ],
  [
    'conv',
    () =>
      g.conv(f32(1, 1, 2, 2), f32(1, 1, 1, 1), {
        padding: [
          [0.5, 0],
          [0, 0],
        ],
      }),
    'strides, dilations and groups must be whole and positive, padding whole, got strides 1,1; dilations 1,1 and 1,1; groups 1; padding 0.5,0,0,0',
  ],
  ['matmul', () => g.matmul(f32(3), f32(3, 2)), 'operands must be matrices, got f32[3] and f32[3, 2]'],
  [
    'matmul',
    () => g.matmul(f32(2, 3), f32(2, 3), { transposeA: true, transposeB: true }),
    'inner sides must agree (2 and 3), got f32[2, 3] and f32[2, 3]',
  ],
  [
    'matmul',
    () => g.matmul(f32(2, 4, 3), f32(3, 3, 4)),
    'batch sides must be equal or 1, got f32[2, 4, 3] and f32[3, 3, 4]',
  ],
  ['softmax', () => g.softmax(f32()), 'the last axis must not be empty, got f32[]'],
  ['softmax', () => g.softmax(f32(2, 0)), 'the last axis must not be empty, got f32[2, 0]'],
  [
    'convInputGrad',
    () => raw('convInputGrad', [4, 2, 3, 3], [2, 3, 8, 8]),
    'filters [O, C, k, l] and dy [N, O, h, w] must fit, got f32[4, 2, 3, 3] and f32[2, 3, 8, 8]',
  ],
  [
    'convFilterGrad',
    () => raw('convFilterGrad', [2, 2, 8, 8], [3, 4, 8, 8]),
    'x [N, C, H, W] and dy [N, O, h, w] must fit, got f32[2, 2, 8, 8] and f32[3, 4, 8, 8]',
  ],
  ['logSoftmax', () => g.logSoftmax(f32(2, 0)), 'the last axis must not be empty, got f32[2, 0]'],
  ['relu', () => g.relu(of('u8', 2)), 'inputs must be f32, got u8[2]'],
  ['reluGrad', () => raw('reluGrad', [2], [3]), 'y and dy must have one shape, got f32[2] and f32[3]'],
  [
    'batchNorm',
    () => g.batchNorm(f32(2, 4), f32(4), f32(3), 0.1).y,
    'x [..., C], not empty, weight [C] and bias [C] must fit, got f32[2, 4] and f32[4] and f32[3]',
  ],
  [
    'batchNormGrad',
    () => raw('batchNormGrad', [2, 4], [4], [4], [3], [2, 4]),
    'x and dy [..., C], weight and statistics [C] must fit, got f32[2, 4] and f32[4] and f32[4] and f32[3] and f32[2, 4]',
  ],
  ['gelu', () => g.gelu(of('u8', 2)), 'inputs must be f32, got u8[2]'],
  ['geluGrad', () => raw('geluGrad', [2], [3]), 'x and dy must have one shape, got f32[2] and f32[3]'],
  [
    'layerNorm',
    () => g.layerNorm(f32(2, 4), f32(3), f32(4)),
    'x [..., D], weight [D] and bias [D] must fit, got f32[2, 4] and f32[3] and f32[4]',
  ],
  [
    'layerNormGrad',
    () => raw('layerNormGrad', [2, 4], [4], [2, 1], [2, 1], [2, 3]),
    'x and dy [..., D], weight [D] and statistics [..., 1] must fit, got f32[2, 4] and f32[4] and f32[2, 1] and f32[2, 1] and f32[2, 3]',
  ],
  [
    'linear',
    () => g.linear(f32(2, 5, 3), f32(4, 2)),
    'x [M, in], weight [out, in] and bias [out] must fit, got f32[10, 3] and f32[4, 2]',
  ],
  [
    'linear',
    () => g.linear(f32(2, 3), f32(4, 3), f32(4, 1)),
    'x [M, in], weight [out, in] and bias [out] must fit, got f32[2, 3] and f32[4, 3] and f32[4, 1]',
  ],
  [
    'crossEntropy',
    () => g.crossEntropy(f32(2, 3), f32(2, 4)),
    'logits and targets [B, K] must fit, got f32[2, 3] and f32[2, 4]',
  ],
  [
    'mlp',
    () => g.mlp(f32(2, 3), f32(8, 3), f32(8), f32(3, 7), f32(3)),
    'x [M, in], weights [hidden, in] and [out, hidden], biases [hidden] and [out] must fit, got f32[2, 3] and f32[8, 3] and f32[8] and f32[3, 7] and f32[3]',
  ],
  [
    'mlpGrad',
    () => raw('mlpGrad', [2, 3], [8, 3], [8], [4, 8], [4], [2, 3]),
    "dy must have the result's shape, got f32[2, 3] and f32[8, 3] and f32[8] and f32[4, 8] and f32[4] and f32[2, 3]",
  ],
  [
    'attention',
    () => g.attention(f32(2, 3, 5, 4), f32(1, 3, 6, 4), f32(1, 3, 6, 4)),
    'queries [B, h, N, d], keys and values [B, h, M, d] must fit, got f32[2, 3, 5, 4] and f32[1, 3, 6, 4] and f32[1, 3, 6, 4]',
  ],
  [
    'attentionGrad',
    () => raw('attentionGrad', [1, 1, 2, 3], [1, 1, 2, 3], [1, 1, 2, 3], [1, 1, 2, 3], [1, 1, 3, 3]),
    'q, y and dy [B, h, N, d], k and v [B, h, M, d] must fit, got f32[1, 1, 2, 3] and f32[1, 1, 2, 3] and f32[1, 1, 2, 3] and f32[1, 1, 2, 3] and f32[1, 1, 3, 3]',
  ],
  ['split', () => g.split(f32(4, 2), 0, 3), 'axis 0 must divide into 3 parts, got f32[4, 2]'],
  [
    'splitHeads',
    () => g.splitHeads(f32(2, 5, 12), 3, 3),
    'x must be [B, N, 3·h·d] with h = 3, got f32[2, 5, 12]',
  ],
  [
    'mergeHeads',
    () => g.mergeHeads([f32(2, 3, 5, 4), f32(2, 3, 5, 4), f32(2, 3, 6, 4)]),
    'parts must be [B, h, N, d] alike, got f32[2, 3, 5, 4] and f32[2, 3, 5, 4] and f32[2, 3, 6, 4]',
  ],
  ['sumOfSquares', () => g.sumOfSquares(f32()), 'x must have an axis, got f32[]'],
];

describe('wrong shapes and types are refused with the operation, the rule and the types', () => {
  it.each(refusals)('%s: %#', (name, use, message) => {
    let error: unknown;
    try {
      use();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(g.GraphError);
    expect((error as Error).message).toBe(`${name}: ${message}`);
  });

  it('covers every operation but the cast, which takes anything', () => {
    const covered = new Set(refusals.map(([name]) => name)).add('cast');
    expect([...g.operations().keys()].filter((name) => !covered.has(name))).toEqual([]);
  });
});
