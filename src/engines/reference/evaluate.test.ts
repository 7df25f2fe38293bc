import { describe, expect, it } from 'vitest';
import type { Shape, Tensor, TensorData } from '../../graph/index.ts';
import * as g from '../../graph/index.ts';
import { evaluateNode, evaluateProgram } from './evaluate.ts';

const f32 = (shape: Shape, ...values: number[]) => g.constant(Float32Array.from(values), shape);
const i32 = (shape: Shape, ...values: number[]) => g.constant(Int32Array.from(values), shape);
const valuesOf = (y: Tensor) => Array.from(evaluateProgram(g.program('test', { y }), {}).y!);
const counting = (...shape: number[]) => f32(shape, ...Array.from({ length: g.sizeOf(shape) }, (_, i) => i));

const a23 = counting(2, 3);
const b34 = f32([3, 4], 1, 0, 2, -1, 0, 1, 1, 3, 2, -2, 0, 1);
const row = f32([3], 10, 20, 30);

describe('values by hand', () => {
  it.each<[string, Tensor, number[]]>([
    ['add', g.add(a23, row), [10, 21, 32, 13, 24, 35]],
    ['sub', g.sub(f32([2, 1], 1, 2), f32([2], 10, 20)), [-9, -19, -8, -18]],
    ['mul', g.mul(a23, 2), [0, 2, 4, 6, 8, 10]],
    ['div', g.div(1, f32([3], 2, -4, 0)), [0.5, -0.25, Infinity]],
    ['maximum', g.maximum(f32([3], 1, 2, Number.NaN), 1.5), [1.5, 2, Number.NaN]],
    ['minimum', g.minimum(f32([2], 1, 2), 1.5), [1, 1.5]],
    ['neg', g.neg(f32([2], 1, -2)), [-1, 2]],
    ['exp', g.exp(f32([2], 0, 1)), [1, Math.E]],
    ['log', g.log(f32([2], 1, 8)), [0, 3 * Math.LN2]],
    ['sqrt', g.sqrt(f32([2], 9, 2)), [3, Math.SQRT2]],
    ['abs', g.abs(f32([2], -3, 4)), [3, 4]],
    ['sign', g.sign(f32([3], -3, 0, 4)), [-1, 0, 1]],
    ['floor', g.floor(f32([3], -1.5, 1.5, 2)), [-2, 1, 2]],
    ['clip', g.clip(f32([3], -1.5, 1.5, 0.5), 0, 1), [0, 1, 0.5]],
    ['sum', g.sum(counting(2, 2, 3), [0, 2]), [24, 42]],
    ['sum of nothing', g.sum(g.input('x', [0, 2]), [0]), [0, 0]],
    ['mean', g.mean(a23, [1]), [1, 4]],
    ['max', g.max(f32([2, 3], 1, 5, 2, -4, -3, -9), [1]), [5, -3]],
    ['min', g.min(f32([2, 3], 1, 5, 2, -4, -3, -9), [1]), [1, -9]],
    ['reshape', g.reshape(a23, [3, -1]), [0, 1, 2, 3, 4, 5]],
    ['transpose', g.transpose(counting(2, 2, 3), [2, 0, 1]), [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]],
    ['broadcast', g.broadcast(f32([2, 1], 1, 2), [2, 2, 3]), [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2]],
    ['slice', g.slice(counting(3, 4), [1, 1], [3, 3]), [5, 6, 9, 10]],
    ['pad', g.pad(f32([1, 2], 1, 2), [1, 0], [0, 2]), [0, 0, 0, 0, 1, 2, 0, 0]],
    ['concat', g.concat([a23, f32([2, 1], 8, 9)], 1), [0, 1, 2, 8, 3, 4, 5, 9]],
    ['reverse', g.reverse(a23, [1]), [2, 1, 0, 5, 4, 3]],
    ['reverse twice', g.reverse(a23, [0, 1]), [5, 4, 3, 2, 1, 0]],
    ['cast to i32', g.cast(f32([4], 1.9, -1.9, 3, -0.2), 'i32'), [1, -1, 3, 0]],
    ['cast to u8', g.cast(f32([2], 254.9, 0.2), 'u8'), [254, 0]],
    ['cast from u8', g.cast(g.constant(Uint8Array.of(3, 200), [2]), 'f32'), [3, 200]],
    ['gather', g.gather(counting(2, 3, 2), i32([2, 2], 2, 0, 1, 1)), [4, 5, 0, 1, 8, 9, 8, 9]],
    ['gather from one table', g.gather(counting(1, 3), i32([2, 2], 2, 0, 1, 1)), [2, 0, 1, 1]],
    ['scatterAdd', g.scatterAdd(counting(2, 3), i32([2, 3], 1, 1, 0, 3, 2, 3), 4), [2, 1, 0, 0, 0, 0, 4, 8]],
    ['invertPermutation', g.invertPermutation(i32([2, 3], 2, 0, 1, 0, 2, 1)), [1, 2, 0, 0, 2, 1]],
    ['matmul', g.matmul(a23, b34), [4, -3, 1, 5, 13, -6, 10, 14]],
    [
      'matmul, a transposed',
      g.matmul(g.transpose(a23, [1, 0]), b34, { transposeA: true }),
      [4, -3, 1, 5, 13, -6, 10, 14],
    ],
    [
      'matmul, b transposed',
      g.matmul(a23, g.transpose(b34, [1, 0]), { transposeB: true }),
      [4, -3, 1, 5, 13, -6, 10, 14],
    ],
    ['matmul, scaled', g.matmul(a23, b34, { alpha: 0.5 }), [2, -1.5, 0.5, 2.5, 6.5, -3, 5, 7]],
    ['matmul, in batches', g.matmul(counting(2, 1, 2), counting(2, 2)), [2, 3, 6, 11]],
    ['matmul of nothing', g.matmul(g.input('a', [1, 0]), g.input('b', [0, 2])), [0, 0]],
    ['softmax', g.softmax(f32([2, 2], 0, Math.fround(Math.LN2), 1000, 1000)), [1 / 3, 2 / 3, 0.5, 0.5]],
    ['gelu', g.gelu(f32([3], 0, 1, -1)), [0, 0.8413447460685429, -0.15865525393145707]],
    ['layer norm', g.layerNorm(f32([1, 2], 1, 3), f32([2], 1, 2), f32([2], 0, 5), 0), [-1, 7]],
    ['linear', g.linear(a23, f32([2, 3], 1, 1, 1, 1, 0, -1), f32([2], 0, 100)), [3, 98, 12, 98]],
    ['sum of squares', g.sumOfSquares(a23), [5, 50]],
  ])('%s', (_, y, expected) => {
    const all = g.program('test', { y });
    const empty = Object.fromEntries(Object.keys(all.inputs).map((name) => [name, new Float32Array(0)]));
    const got = Array.from(evaluateProgram(all, empty).y!);
    expect(got.length).toBe(g.sizeOf(y.shape));
    expect(got.length).toBe(expected.length);
    got.forEach((value, i) => {
      // Constants are float32, ln 2 too.
      if (Number.isNaN(expected[i])) expect(value).toBeNaN();
      else if (value !== expected[i]) expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-7);
    });
  });

  it('attention: one query looks at the keys that resemble it', () => {
    const q = f32([1, 1, 1, 2], 100, 0);
    const k = f32([1, 1, 3, 2], 1, 0, 0, 1, 1, 0);
    const v = f32([1, 1, 3, 2], 1, 2, 100, 100, 3, 4);
    expect(valuesOf(g.attention(q, k, v))).toEqual([2, 3]);
  });

  it('filters: a shift, a sum, zeros around, one bank for each image', () => {
    const x = counting(1, 2, 2, 3);
    const around = (zeros: number) => [zeros, zeros] as const;
    const shift = [0, 0, 0, 0, 0, 1, 0, 0, 0];
    const all = [1, 1, 1, 1, 1, 1, 1, 1, 1];
    const filtered = g.conv(x, f32([2, 1, 3, 3], ...shift, ...all), {
      padding: [around(1), around(1)],
      groups: 2,
    });
    // The second image is 6 7 8 / 9 10 11.
    const sums = [6 + 7 + 9 + 10, 51, 7 + 8 + 10 + 11];
    expect(valuesOf(filtered)).toEqual([1, 2, 0, 4, 5, 0, ...sums, ...sums]);
    expect(valuesOf(g.conv(counting(1, 2, 1, 2), f32([1, 2, 1, 1], 1, 10)))).toEqual([20, 31]);
    const cut = { padding: [around(-1), around(-1)] } as const;
    expect(valuesOf(g.conv(counting(1, 1, 3, 3), f32([1, 1, 1, 1], 2), cut))).toEqual([8]);
  });

  it('filters: strides, distances of pixels and of taps, sides padded and cut by different numbers', () => {
    const x = counting(1, 1, 1, 5);
    const pair = f32([1, 1, 1, 2], 1, 10);
    const along = (columns: readonly [number, number]) => [[0, 0], columns] as const;
    expect(valuesOf(g.conv(x, pair, { strides: [1, 2] }))).toEqual([10, 32]);
    expect(valuesOf(g.conv(x, pair, { filterDilation: [1, 3] }))).toEqual([30, 41]);
    expect(valuesOf(g.conv(x, pair, { padding: along([2, -3]) }))).toEqual([0, 0, 10]);
    // 0 · 1 · 2 · 3 · 4 without its first three offsets: · 2 · 3 · 4
    const apart = { inputDilation: [1, 2], padding: along([-3, 1]) } as const;
    expect(valuesOf(g.conv(x, pair, apart))).toEqual([20, 2, 30, 3, 40, 4]);
    // Nothing of the image is left between its first two pixels.
    const between = { inputDilation: [1, 4], padding: along([-1, -13]) } as const;
    expect(valuesOf(g.conv(x, pair, between))).toEqual([0, 0]);
  });
});

describe('a program', () => {
  const x = g.input('x', [2]);
  const whole = g.input('whole', [2], 'i32');

  it('computes in double precision and keeps integers', () => {
    const all = g.program('p', { y: g.add(x, 1e-12), z: whole });
    const { y, z } = evaluateProgram(all, { x: Float64Array.of(1, 2), whole: Int32Array.of(3, 4) });
    expect(y![0]! - 1).toBeCloseTo(1e-12, 15);
    expect(z).toEqual(Int32Array.of(3, 4));
  });

  it('refuses inputs that are missing or do not fit', () => {
    const all = g.program('p', { y: x, z: whole });
    const run = (values: Record<string, TensorData | Float64Array>) => () => evaluateProgram(all, values);
    expect(run({ x: new Float64Array(2) })).toThrow('program "p" takes i32[2] as "whole", got nothing');
    expect(run({ x: new Float64Array(3), whole: new Int32Array(2) })).toThrow(
      'takes f32[2] as "x", got 3 values of f32',
    );
    expect(run({ x: new Uint8Array(2), whole: new Int32Array(2) })).toThrow(
      'takes f32[2] as "x", got 2 values of u8',
    );
  });

  it('refuses indices out of range', () => {
    for (const index of [-1, 3])
      expect(() => valuesOf(g.gather(counting(1, 3), i32([1, 1], index)))).toThrow(
        `gather: indices must lie in [0, 3), got ${index}`,
      );
    expect(() => valuesOf(g.scatterAdd(f32([1, 1], 1), i32([1, 1], 2), 2))).toThrow('scatterAdd: indices');
  });
});

describe('a node', () => {
  it('of constants is folded to float32', () => {
    const third = g.div(f32([1], 1), f32([1], 3));
    expect(evaluateNode(third.node, [Float32Array.of(1), Float32Array.of(3)])).toEqual([
      Float32Array.of(1 / 3),
    ]);
  });

  it('of a composite gives all its outputs', () => {
    const [first, second] = g.split(a23, 1, 3);
    expect(first!.node).toBe(second!.node);
    const parts = evaluateNode(first!.node, [Float32Array.of(0, 1, 2, 3, 4, 5)]);
    expect(parts).toEqual([Float32Array.of(0, 3), Float32Array.of(1, 4), Float32Array.of(2, 5)]);
  });
});
