import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cases } from '../../tests/operations/cases.ts';
import { evaluateProgram } from '../backends/reference/evaluate.ts';
import { type Rng, rng } from '../random/rng.ts';
import { add, constant, grad, input, mul, operations, program, type Tensor, total } from './index.ts';
import { sizeOf } from './tensor.ts';
import { topologicalOrder } from './topology.ts';

const step = 1e-4;

/** Slope of f at 0, to fourth order in the step. */
const slope = (f: (t: number) => number) =>
  (8 * (f(step) - f(-step)) - (f(2 * step) - f(-2 * step))) / (12 * step);

/** A random direction over all values, and single values, each with the places and weights of the change. */
function directions(random: Rng, size: number): Float64Array[] {
  const along = Float64Array.from({ length: size }, () => random.normal());
  const single = [...random.permutation(size)]
    .slice(0, 5)
    .map((at) => new Float64Array(size).fill(1, at, at + 1));
  return [along, ...single];
}

/** Every output multiplied by random numbers, and all summed. */
function mix(random: Rng, outputs: readonly Tensor[]): Tensor {
  const parts = outputs
    .filter(({ dtype }) => dtype === 'f32')
    .map((output) => {
      const weights = Float32Array.from({ length: sizeOf(output.shape) }, () => random.normal());
      return total(mul(output, constant(weights, output.shape)));
    });
  return parts.reduce(add, constant(0));
}

describe('gradients equal central finite differences', () => {
  it.each(Object.keys(cases))('%s', (name) => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = rng(seed, name);
        const { inputs, build } = cases[name]!(random);
        const tensors = inputs.map(({ name, shape, dtype }) => input(name, shape, dtype));
        const loss = mix(random, build(tensors));
        const floats = inputs.flatMap(({ dtype }, i) => (dtype === 'f32' ? [i] : []));
        const gradients = grad(
          loss,
          floats.map((i) => tensors[i]!),
        );
        const values = Object.fromEntries(
          inputs.map(({ name, dtype, values }) => [
            name,
            dtype === 'f32' ? Float64Array.from(values) : values,
          ]),
        );
        const all = program('all', Object.fromEntries([loss, ...gradients].map((tensor, i) => [i, tensor])));
        const results = evaluateProgram({ ...all, inputs: named(tensors, inputs) }, values);
        const lossOnly = { ...program('loss', { loss }), inputs: named(tensors, inputs) };
        floats.forEach((at, i) => {
          const gradient = results[i + 1] as Float64Array;
          const { name } = inputs[at]!;
          expect(gradient.length).toBe(values[name]!.length);
          const largest = gradient.reduce((most, x) => Math.max(most, Math.abs(x)), 0.1);
          for (const direction of directions(random, gradient.length)) {
            const moved = (t: number) => values[name]!.map((x, j) => x + t * direction[j]!);
            const expected = slope(
              (t) => evaluateProgram(lossOnly, { ...values, [name]: moved(t) }).loss![0]!,
            );
            const got = direction.reduce((sum, x, j) => sum + x * gradient[j]!, 0);
            expect(Math.abs(got - expected) / Math.max(largest, Math.abs(expected))).toBeLessThan(1e-6);
          }
        });
      }),
      { numRuns: 25 },
    );
  });
});

const named = (tensors: readonly Tensor[], inputs: readonly { name: string }[]) =>
  Object.fromEntries(tensors.map((tensor, i) => [inputs[i]!.name, tensor]));

describe('the table of cases', () => {
  it('has a row for every operation', () => {
    expect(Object.keys(cases).sort()).toEqual([...operations().keys()].sort());
  });

  it.each(Object.keys(cases))('row %s uses it', (name) => {
    const used = Array.from({ length: 20 }, (_, seed) => {
      const { inputs, build } = cases[name]!(rng(seed, name));
      return topologicalOrder(build(inputs.map(({ name, shape, dtype }) => input(name, shape, dtype))));
    }).flat();
    expect(used.some(({ operation }) => operation.name === name)).toBe(true);
  });
});
