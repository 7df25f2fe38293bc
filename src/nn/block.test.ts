import { expect, it } from 'vitest';
import { evaluate } from '../../tests/support/evaluate.ts';
import { readFixture } from '../../tests/support/fixture.ts';
import { normals, withRandom } from '../../tests/support/random.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { constant, grad, input, mul, sizeOf, sliceAxis, sumAll, type Tensor } from '../graph/index.ts';
import { block, blockParameters } from './block.ts';

it('a block and its gradients agree with PyTorch', async () => {
  const { float, shape, metadata } = await readFixture('pieces');
  const { width, heads } = metadata('block');
  const specs = blockParameters('block', width, 4);
  const original = (name: string) => name.replace('block.', 'block.param.');
  for (const { name, shape: own } of specs) expect(own, name).toEqual(shape(original(name)));
  const x = input('x', shape('block.x'));
  const weights = new Map(specs.map(({ name, shape }) => [name, input(name, shape)]));
  const values = {
    x: float('block.x'),
    ...Object.fromEntries(specs.map(({ name }) => [name, float(original(name))])),
  };
  const y = block(x, (name) => weights.get(name)!, 'block', heads);
  expect(relativeError(evaluate(y, values), float('block.y'))).toBeLessThan(1e-6);
  const loss = sumAll(mul(y, constant(float('block.dy'), y.shape)));
  const [dx, ...gradients] = grad(loss, [x, ...weights.values()]);
  expect(relativeError(evaluate(dx!, values), float('block.dx'))).toBeLessThan(1e-6);
  specs.forEach(({ name }, i) => {
    const expected = float(name.replace('block.', 'block.grad.'));
    expect(relativeError(evaluate(gradients[i]!, values), expected), name).toBeLessThan(1e-6);
  });
});

it('gives the last tokens alone the same as all of them', () => {
  withRandom(3, (random) => {
    const specs = blockParameters('b', 6, 2);
    const weights = new Map(
      specs.map(({ name, shape }) => [name, constant(normals(random, sizeOf(shape)), shape)]),
    );
    const x = constant(normals(random, 2 * 5 * 6), [2, 5, 6]);
    const made = (from?: number) => block(x, (name) => weights.get(name)!, 'b', 3, { from });
    const slopes = (y: Tensor) => grad(sumAll(mul(y, y)), [x, ...weights.values()]).map((d) => evaluate(d));
    const wanted = sliceAxis(made(), 1, 3, 5);
    expect(relativeError(evaluate(made(3)), evaluate(wanted))).toBeLessThan(1e-12);
    const expected = slopes(wanted);
    for (const [i, slope] of slopes(made(3)).entries())
      expect(relativeError(slope, expected[i]!), `gradient ${i}`).toBeLessThan(1e-10);
  });
});

it('keys have no bias, whatever is stored', () => {
  const [width, heads] = [6, 2];
  const specs = blockParameters('b', width, 2);
  const weights = new Map(specs.map(({ name, shape }) => [name, input(name, shape)]));
  const values: Record<string, Float32Array> = Object.fromEntries(
    specs.map(({ name, shape }, i) => [
      name,
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, j) => Math.sin(i + j)),
    ]),
  );
  const x = constant(
    Float32Array.from({ length: 18 }, (_, i) => Math.cos(i * i)),
    [1, 3, width],
  );
  const y = block(x, (name) => weights.get(name)!, 'b', heads);
  const bias = 'b.attn.qkv.bias';
  const before = evaluate(y, values);
  const [gradient] = grad(sumAll(mul(y, y)), [weights.get(bias)!]);
  const slopes = evaluate(gradient!, values);
  expect(slopes.slice(width, 2 * width).map(Math.abs)).toEqual(new Array(width).fill(0));
  expect(slopes.slice(0, width).every((slope) => slope !== 0)).toBe(true);
  values[bias] = values[bias]!.map((value, i) => (i >= width && i < 2 * width ? value + 1 : value));
  expect(evaluate(y, values)).toEqual(before);
  values[bias] = values[bias]!.map((value) => value + 1);
  expect(evaluate(y, values)).not.toEqual(before);
});
