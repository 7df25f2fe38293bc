import { expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { evaluateProgram } from '../../engines/reference/evaluate.ts';
import { rng } from '../../random/rng.ts';
import { programFlops } from '../flops.ts';
import {
  add,
  grad,
  input,
  layerNorm,
  linear,
  matmul,
  meanAll,
  mlp,
  mul,
  program,
  reshape,
  square,
  sub,
  transpose,
} from '../index.ts';
import { inHalves, isKept, withMidway } from './halves.ts';
import { optimise } from './optimise.ts';

/** A loss of two layers and its gradients. The second layer takes a late input. */
function example() {
  const [x, w1, b1, w2, b2, v] = [
    input('x', [4, 6]),
    input('w1', [10, 6]),
    input('b1', [10]),
    input('w2', [6, 10]),
    input('b2', [6]),
    input('v', [3, 6]),
  ];
  const hidden = layerNorm(add(x, mlp(x, w1, b1, w2, b2)), input('scale', [6]), input('shift', [6]), 1e-6);
  const turned = reshape(transpose(hidden, [1, 0]), [2, 3, 4]);
  const late = matmul(linear(hidden, v, input('c', [3])), input('late', [3, 5]));
  const loss = add(meanAll(square(late)), meanAll(mul(square(turned), 0.5)));
  const weights = { w1, b1, w2, b2, v };
  const gradients = grad(loss, Object.values(weights));
  const all = program('all', {
    loss,
    ...Object.fromEntries(Object.keys(weights).map((name, i) => [`grad:${name}`, gradients[i]!])),
  });
  return { all, midway: program('first', { hidden: sub(hidden, 1), turned }) };
}

it(`halves compute the values of the whole, and no product twice (SEED=${seed})`, () => {
  const { all, midway } = example();
  const [whole, early] = withMidway(all, midway, (both) => optimise(both));
  expect(Object.keys(whole.outputs)).toEqual(Object.keys(all.outputs));
  expect(Object.keys(early.outputs)).toEqual(['hidden', 'turned']);
  const { first, second } = inHalves(whole, early);
  const random = rng(seed, 'halves');
  const values = Object.fromEntries(
    Object.entries(all.inputs).map(([name, { shape }]) => [
      name,
      Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    ]),
  );
  expect(Object.keys(first.inputs)).not.toContain('late');
  const before = evaluateProgram(first, values);
  const kept = Object.keys(second.inputs).filter(isKept);
  expect(kept.length).toBeGreaterThan(0);
  expect(Object.keys(first.outputs).filter(isKept)).toEqual(expect.arrayContaining(kept));
  const after = evaluateProgram(second, { ...values, ...before });
  const truth = { ...evaluateProgram(all, values), ...evaluateProgram(midway, values) };
  for (const [name, expected] of Object.entries(truth)) {
    const got = after[name] ?? before[name]!;
    for (const [i, value] of expected.entries()) expect(got[i], name).toBeCloseTo(value, 9);
  }
  expect(programFlops(first) + programFlops(second)).toBe(programFlops(all));
});

it('the second half of a program without anything in common with the first keeps nothing', () => {
  const [x, y] = [input('x', [2, 3]), input('y', [3, 2])];
  const { first, second } = inHalves(
    program('all', { sum: meanAll(square(y)) }),
    program('first', { x: mul(x, 2) }),
  );
  expect(Object.keys(first.outputs)).toEqual(['x']);
  expect(Object.keys(second.inputs)).toEqual(['y']);
});
