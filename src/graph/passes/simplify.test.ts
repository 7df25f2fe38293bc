import { describe, expect, it } from 'vitest';
import { evaluateNode } from '../../engines/reference/evaluate.ts';
import type { Program, Tensor } from '../index.ts';
import * as g from '../index.ts';
import { topologicalOrder } from '../topology.ts';
import { optimise } from './optimise.ts';

const operationsOf = ({ outputs }: Program) =>
  topologicalOrder(Object.values(outputs)).map(({ operation }) => operation.name);

const gradientOfMean = (x: Tensor) => g.grad(g.meanAll(g.exp(x)), [x])[0]!;

describe('known programs shrink to', () => {
  const x = g.input('x', [2, 4]);
  const y = g.input('y', [2, 4]);
  const square = g.input('square', [4, 4]);
  const row = g.input('row', [1, 4]);
  const one = g.constant(Float32Array.of(1), [1, 1]);
  const swap = (tensor: Tensor) => g.transpose(tensor, [1, 0]);

  it.each<[string, () => Tensor, string[]]>([
    ['nothing: + 0, − 0, · 1, / 1', () => g.div(g.mul(g.add(0, g.sub(g.add(x, 0), 0)), 1), 1), ['input']],
    ['nothing: − −', () => g.neg(g.neg(x)), ['input']],
    ['nothing: a transpose and its inverse', () => swap(swap(x)), ['input']],
    ['nothing: a reshape and back', () => g.reshape(g.reshape(x, [8]), [2, 4]), ['input']],
    [
      'one transpose',
      () => g.transpose(g.transpose(g.reshape(x, [2, 2, 2]), [1, 2, 0]), [1, 0, 2]),
      ['input', 'reshape', 'transpose'],
    ],
    ['one reshape', () => g.reshape(g.reshape(x, [8]), [4, 2]), ['input', 'reshape']],
    ['one factor', () => g.mul(g.mul(2, x), 0.25), ['constant', 'input', 'mul']],
    ['a difference', () => g.add(x, g.neg(y)), ['input', 'input', 'sub']],
    ['a sum', () => g.sub(x, g.neg(y)), ['add', 'input', 'input']],
    ['one of two equal terms', () => g.add(g.exp(x), g.exp(x)), ['add', 'exp', 'input']],
    [
      'one of two equal constants',
      () => g.add(g.mul(x, 3), g.mul(y, 3)),
      ['add', 'constant', 'input', 'input', 'mul', 'mul'],
    ],
    ['a product that transposes itself', () => g.matmul(swap(square), swap(x)), ['input', 'input', 'matmul']],
    ['a sum that broadcasts itself', () => g.add(g.broadcast(row, [2, 4]), x), ['add', 'input', 'input']],
    [
      'one broadcast, if both operands have one',
      () => g.add(g.broadcast(row, [2, 4]), g.broadcast(g.exp(row), [2, 4])),
      ['add', 'broadcast', 'exp', 'input'],
    ],
    [
      'itself: a constant that shapes the result',
      () => g.mul(g.input('z', [4]), one),
      ['constant', 'input', 'mul'],
    ],
    [
      'itself: factors whose product leaves float32',
      () => g.mul(g.mul(x, 1e30), 1e30),
      ['constant', 'input', 'mul', 'mul'],
    ],
    [
      'itself: not a number is not infinity',
      () => g.add(g.matmul(x, square, { alpha: Number.NaN }), g.matmul(x, square, { alpha: Infinity })),
      ['add', 'input', 'input', 'matmul', 'matmul'],
    ],
    [
      'itself: equal bytes of other types',
      () => g.add(g.cast(g.constant(Int32Array.of(0)), 'f32'), g.exp(g.constant(0))),
      ['add', 'cast', 'constant', 'constant', 'exp'],
    ],
    [
      'itself: factors that differ',
      () => g.add(g.mul(x, 3), g.mul(x, 4)),
      ['add', 'constant', 'constant', 'input', 'mul', 'mul'],
    ],
  ])('%s', (_, build, expected) => {
    const before = g.program('known', { out: build() });
    const after = optimise(before);
    expect(operationsOf(after).sort()).toEqual(expected);
    expect(after.outputs.out!.shape).toEqual(before.outputs.out!.shape);
  });

  it.each<[string, () => Tensor, string[]]>([
    ['a constant', () => g.exp(g.add(2, g.constant(3))), ['constant']],
    [
      'a constant, through composites',
      () => g.softmax(g.mul(g.constant(Float32Array.of(1, 2), [2]), 3)),
      ['constant'],
    ],
    ['a sum with zero', () => g.add(x, g.log(g.constant(1))), ['input']],
    ['a factor', () => g.mul(x, g.sqrt(g.constant(4))), ['constant', 'input', 'mul']],
    [
      'itself, if the constant would be large',
      () => g.broadcast(g.constant(1), [65, 64]),
      ['broadcast', 'constant'],
    ],
    [
      'a factor, not an array of it',
      () => gradientOfMean(g.input('large', [65, 64])),
      ['constant', 'exp', 'input', 'mul'],
    ],
  ])('with folding: %s', (_, build, expected) => {
    expect(
      operationsOf(optimise(g.program('known', { out: build() }), { evaluate: evaluateNode })).sort(),
    ).toEqual(expected);
  });

  it('constants of the right value and type', () => {
    const order = g.invertPermutation(g.constant(Int32Array.of(2, 0, 1), [1, 3]));
    const { order: folded, root } = optimise(g.program('known', { order, root: g.sqrt(g.constant(2)) }), {
      evaluate: evaluateNode,
    }).outputs;
    expect(g.constantData(folded!)).toEqual(Int32Array.of(1, 2, 0));
    expect(g.constantData(root!)).toEqual(Float32Array.of(Math.SQRT2));
  });
});
