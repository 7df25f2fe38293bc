import { describe, expect, it } from 'vitest';
import { fc } from '../../tests/support/random.ts';
import { evaluateProgram } from '../engines/reference/evaluate.ts';
import { rng } from '../random/rng.ts';
import * as g from './index.ts';
import { program, type Tensor } from './index.ts';
import { topologicalOrder } from './topology.ts';

const x3 = g.input('x', [3]);
const at = Float64Array.of(-0.7, 0.4, 1.3);
const valuesOf = (y: Tensor, values: Record<string, Float64Array> = { x: at }) => [
  ...evaluateProgram(program('test', { y }), values).y!,
];
const expectClose = (got: number[], expected: readonly number[]) => {
  expect(got.length).toBe(expected.length);
  got.forEach((value, i) => {
    expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected[i]!)));
  });
};
const gradient = (y: Tensor, x: Tensor) => g.grad(g.sumAll(y), [x])[0]!;
const each = (f: (x: number) => number) => [...at].map(f);

describe('grad', () => {
  it('adds up what comes from several uses', () => {
    const y = g.exp(x3);
    const twice = g.add(g.mul(y, y), g.mul(g.add(y, y), x3));
    const expected = each((x) => 2 * Math.exp(2 * x) + 2 * Math.exp(x) * (1 + x));
    expectClose(valuesOf(gradient(twice, x3)), expected);
  });

  it('is zeros for unused inputs', () => {
    const [, unused] = g.grad(g.sumAll(x3), [x3, g.input('other', [2, 2])]);
    expect(unused!.shape).toEqual([2, 2]);
    expect(valuesOf(unused!)).toEqual([0, 0, 0, 0]);
  });

  it('is one for the scalar itself, and reaches tensors in the middle', () => {
    const middle = g.mul(x3, x3);
    const y = g.sumAll(g.mul(middle, middle));
    const [own, inner, outer] = g.grad(y, [y, middle, x3]);
    expect(valuesOf(own!)).toEqual([1]);
    expectClose(
      valuesOf(inner!),
      each((x) => 2 * x * x),
    );
    expectClose(
      valuesOf(outer!),
      each((x) => 4 * x ** 3),
    );
  });

  it('does not pass through integers, signs and floors', () => {
    const whole = g.cast(g.cast(x3, 'i32'), 'f32');
    for (const y of [whole, g.sign(x3), g.floor(x3)]) expect(valuesOf(gradient(y, x3))).toEqual([0, 0, 0]);
  });

  it('refuses anything but an f32 scalar', () => {
    expect(() => g.grad(x3, [x3])).toThrow('grad: only an f32 scalar has a gradient, got f32[3]');
    const whole = g.cast(g.sumAll(x3), 'i32');
    expect(() => g.grad(whole, [x3])).toThrow('got i32[]');
  });

  it.each<[string, (x: Tensor) => Tensor, (x: number) => number]>([
    ['x³', (x) => g.mul(x, g.square(x)), (x) => 6 * x],
    ['exp(x²)', (x) => g.exp(g.square(x)), (x) => (2 + 4 * x * x) * Math.exp(x * x)],
    ['erf', g.erf, (x) => (-4 * x * Math.exp(-x * x)) / Math.sqrt(Math.PI)],
    ['1/x', (x) => g.div(1, x), (x) => 2 / x ** 3],
    ['log √(x²)', (x) => g.log(g.sqrt(g.square(x))), (x) => -1 / x ** 2],
    ['gelu', g.gelu, (x) => ((2 - x * x) * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI)],
  ])('can be taken twice: %s', (_, f, second) => {
    expectClose(valuesOf(gradient(gradient(f(x3), x3), x3)), each(second));
  });

  it('shares a tie in two halves, and the largest values alike', () => {
    const [a, b] = [g.input('a', [2]), g.input('b', [2])];
    const values = { a: Float64Array.of(1, 2), b: Float64Array.of(1, 3) };
    for (const [f, expected] of [
      [g.maximum, [0.5, 0]],
      [g.minimum, [0.5, 1]],
    ] as const)
      expect(valuesOf(gradient(f(a, b), a), values)).toEqual(expected);
    const x = g.input('x', [4]);
    expect(valuesOf(gradient(g.max(x), x), { x: Float64Array.of(2, 1, 2, 0) })).toEqual([0.5, 0, 0.5, 0]);
  });
});

describe('the gradient of a composite without a rule', () => {
  const w = g.input('w', [2, 2]);
  const values = { w: Float64Array.of(0.3, -0.2, 0.5, 0.7) };
  /** The same with plain products. */
  const product = (x: Tensor, weight: Tensor) => g.matmul(x, weight, { transposeB: true });

  it.each<[string, (f: typeof product) => Tensor]>([
    ['an input given twice', (f) => f(w, w)],
    ['an input that also made another one', (f) => f(f(w, w), w)],
    ['an input used before and after', (f) => f(g.exp(w), f(w, g.exp(w)))],
  ])('counts once: %s', (_, build) => {
    const weights = g.constant(Float32Array.of(1, 2, 3, 4), [2, 2]);
    const [got, expected] = [g.linear, product].map((f) =>
      valuesOf(gradient(g.mul(build(f), weights), w), values),
    );
    expectClose(got!, expected!);
  });

  it('grows with the depth of a network, not with its square', () => {
    const nodes = (depth: number) => {
      let y = w;
      for (let i = 0; i < depth; i++) y = g.gelu(g.linear(y, w));
      return topologicalOrder([gradient(y, w)]).length;
    };
    const [few, some, many] = [nodes(10), nodes(20), nodes(30)];
    expect(many! - some!).toBe(some! - few!);
  });

  it('leaves deep graphs on the stack alone', () => {
    let y: Tensor = x3;
    for (let i = 0; i < 20_000; i++) y = g.add(y, x3);
    expect(valuesOf(gradient(y, x3))).toEqual([20_001, 20_001, 20_001]);
  });
});

describe('the gradient of a matrix product', () => {
  it('is two products and nothing larger than an operand', () => {
    fc.assert(
      fc.property(fc.integer(), fc.boolean(), fc.boolean(), (seed, transposeA, transposeB) => {
        const random = rng(seed);
        const [m, k, n, s, t] = Array.from({ length: 5 }, () => 1 + random.int(6)) as [number, ...number[]];
        const batches = [[], [1, 1], [s!, 1], [1, t!], [s!, t!], [t!]];
        const [batchA, batchB] = [batches[random.int(6)]!, batches[random.int(6)]!];
        const a = g.input('a', [...batchA, ...(transposeA ? [k!, m] : [m, k!])]);
        const b = g.input('b', [...batchB, ...(transposeB ? [n!, k!] : [k!, n!])]);
        const y = g.matmul(a, b, { transposeA, transposeB, alpha: 0.5 });
        const dy = g.input('dy', y.shape);
        const gradients = g.grad(g.sumAll(g.mul(y, dy)), [a, b]);
        const operands = Math.max(...[a, b, dy].map(({ shape }) => g.sizeOf(shape)));
        const nodes = topologicalOrder(gradients);
        expect(nodes.filter(({ operation }) => operation.name === 'matmul').length).toBe(2);
        for (const { outputs } of nodes)
          for (const { shape } of outputs) expect(g.sizeOf(shape)).toBeLessThanOrEqual(operands);
      }),
    );
  });
});
