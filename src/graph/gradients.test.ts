import { describe, expect, it } from 'vitest';
import { cases } from '../../tests/operations/cases.ts';
import { mix } from '../../tests/operations/mix.ts';
import { fc } from '../../tests/support/random.ts';
import { evaluateProgram } from '../engines/reference/evaluate.ts';
import { type Rng, rng } from '../random/rng.ts';
import { grad, input, operations, program, type TensorData } from './index.ts';
import { topologicalOrder } from './topology.ts';

type Wide = Record<string, TensorData | Float64Array>;

/** Derivative of f at 0 by central differences, to fourth order in the step. */
function slope(f: (t: number) => number, step = 1e-4): number {
  return (8 * (f(step) - f(-step)) - (f(2 * step) - f(-2 * step))) / (12 * step);
}

/** Directions of change: all values at random, and up to five single values. */
function directions(random: Rng, size: number): Float64Array[] {
  const together = Float64Array.from({ length: size }, () => random.normal());
  const some = random.permutation(size).subarray(0, 5);
  return [together, ...Array.from(some, (at) => new Float64Array(size).fill(1, at, at + 1))];
}

/** A random case of an operation: a loss, its gradients by the rules, and the loss as a function. */
function drawLoss(random: Rng, name: string) {
  const { inputs, build } = cases[name]!(random);
  const tensors = inputs.map(({ name, shape, dtype }) => input(name, shape, dtype));
  const loss = mix(random, build(tensors));
  const floats = inputs.filter(({ dtype }) => dtype === 'f32');
  const wrt = tensors.filter(({ dtype }) => dtype === 'f32');
  const gradients = Object.fromEntries(grad(loss, wrt).map((tensor, i) => [floats[i]!.name, tensor]));
  const at: Wide = Object.fromEntries(
    inputs.map(({ name, dtype, values }) => [name, dtype === 'f32' ? Float64Array.from(values) : values]),
  );
  const forward = program('loss', { loss });
  return {
    at,
    gradients: evaluateProgram(program('gradients', gradients), at, 'exact') as Record<string, Float64Array>,
    evaluate: (changed: Wide) => evaluateProgram(forward, { ...at, ...changed }, 'exact').loss![0]!,
  };
}

/**
 * The error of the differences is below 1e-9 of the largest gradient; a factor rounded to float32 causes up to 1e-6.
 */
const TOLERANCE = 1e-8;

describe('gradients equal central finite differences', () => {
  it.each(Object.keys(cases))('%s', (operation) => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = rng(seed, operation);
        const { at, gradients, evaluate } = drawLoss(random, operation);
        for (const [name, gradient] of Object.entries(gradients)) {
          const values = at[name] as Float64Array;
          expect(gradient.length).toBe(values.length);
          const largest = gradient.reduce((most, x) => Math.max(most, Math.abs(x)), 0.1);
          for (const direction of directions(random, values.length)) {
            const expected = slope((t) => evaluate({ [name]: values.map((x, i) => x + t * direction[i]!) }));
            const got = direction.reduce((sum, x, i) => sum + x * gradient[i]!, 0);
            const error = Math.abs(got - expected) / Math.max(largest, Math.abs(expected));
            expect(error, `gradient of ${name}: ${got}, not ${expected}`).toBeLessThan(TOLERANCE);
          }
        }
      }),
      { numRuns: 30 },
    );
  });
});

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

  it.each(Object.keys(cases))('row %s repeats for one seed', (name) => {
    expect(cases[name]!(rng(5, name)).inputs).toEqual(cases[name]!(rng(5, name)).inputs);
  });
});
