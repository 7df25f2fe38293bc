import { describe, expect, it } from 'vitest';
import { randomProgram } from '../../../tests/operations/random-program.ts';
import { fc } from '../../../tests/support/random.ts';
import type { ReferenceData } from '../../engines/reference/data.ts';
import { evaluateNode, evaluateProgram } from '../../engines/reference/evaluate.ts';
import { rng } from '../../random/rng.ts';
import type { Program, Tensor } from '../index.ts';
import * as g from '../index.ts';
import { topologicalOrder } from '../topology.ts';
import { type OptimiseOptions, optimise } from './optimise.ts';

const nodesOf = ({ outputs }: Program) => topologicalOrder(Object.values(outputs));
const operationsOf = (program: Program) => nodesOf(program).map(({ operation }) => operation.name);
const composites = [...g.operations().values()].filter(({ decompose }) => decompose).map(({ name }) => name);

/** Largest difference between two sets of outputs, relative to each output's largest value (or 1). */
function difference(got: Record<string, ReferenceData>, expected: Record<string, ReferenceData>): number {
  expect(Object.keys(got)).toEqual(Object.keys(expected));
  const errors = Object.entries(expected).map(([name, truth]) => {
    const values = got[name]!;
    expect(values.length).toBe(truth.length);
    const largest = Math.max(1, ...Array.from(truth, Math.abs));
    return Math.max(0, ...Array.from(truth, (x, i) => Math.abs(values[i]! - x))) / largest;
  });
  return Math.max(...errors);
}

const forRandomPrograms = (check: (random: ReturnType<typeof randomProgram>, seed: number) => void) =>
  fc.assert(
    fc.property(fc.integer(), (seed) => check(randomProgram(rng(seed)), seed)),
    { numRuns: 150 },
  );

describe('an optimised program', () => {
  it('computes the same from primitives alone', () => {
    forRandomPrograms(({ program, values }) => {
      const better = optimise(program);
      expect(operationsOf(better).filter((name) => composites.includes(name))).toEqual([]);
      expect(difference(evaluateProgram(better, values), evaluateProgram(program, values))).toBeLessThan(
        1e-12,
      );
    });
  });

  it('computes the same with some composites kept', () => {
    forRandomPrograms(({ program, values }, seed) => {
      const random = rng(seed, 'keep');
      const keep = new Set(composites.filter(() => random.uniform() < 0.5));
      const better = optimise(program, { keep });
      for (const name of operationsOf(better))
        expect(composites.includes(name) && !keep.has(name)).toBe(false);
      expect(difference(evaluateProgram(better, values), evaluateProgram(program, values))).toBeLessThan(
        1e-12,
      );
    });
  });

  it('computes the same with constants folded, up to float32', () => {
    forRandomPrograms(({ program, values }) => {
      // Two of the three inputs become constants.
      const { x2, ...known } = values;
      const fixed = Object.entries(known).map(([name, data]) => {
        const shape = program.inputs[name]?.shape;
        return [name, shape && g.constant(Float32Array.from(data), shape)] as const;
      });
      const rounded = Object.fromEntries(
        Object.entries(values).map(([name, data]) => [name, Float32Array.from(data)]),
      );
      const filled = substitute(program, Object.fromEntries(fixed));
      const better = optimise(filled, { evaluate: evaluateNode });
      // One scalar may become constants of several shapes. Only the remaining computation counts.
      const computed = (each: Program) => nodesOf(each).filter(({ inputs }) => inputs.length > 0).length;
      expect(computed(better)).toBeLessThanOrEqual(computed(optimise(filled)));
      expect(difference(evaluateProgram(better, rounded), evaluateProgram(program, rounded))).toBeLessThan(
        2e-5,
      );
    });
  });

  it('does not become smaller when optimised again', () => {
    forRandomPrograms(({ program }) => {
      const once = optimise(program, { evaluate: evaluateNode });
      const twice = optimise(once, { evaluate: evaluateNode });
      expect(operationsOf(twice).sort()).toEqual(operationsOf(once).sort());
    });
  });

  it('is never larger than its parts', () => {
    forRandomPrograms(({ program }) => {
      const keep = new Set(composites);
      expect(nodesOf(optimise(program, { keep })).length).toBeLessThanOrEqual(nodesOf(program).length);
    });
  });
});

/** The program with some inputs replaced by other tensors. */
function substitute(program: Program, by: Record<string, Tensor | undefined>): Program {
  const replaced = new Map<Tensor, Tensor>();
  for (const node of nodesOf(program)) {
    const inputs = node.inputs.map((tensor) => replaced.get(tensor)!);
    const made =
      inputs.length > 0
        ? g.applyAll(node.operation, inputs, node.attributes)
        : [by[node.attributes.name] ?? node.outputs[0]!];
    node.outputs.forEach((tensor, i) => {
      replaced.set(tensor, made[i]!);
    });
  }
  const outputs = Object.entries(program.outputs).map(([name, tensor]) => [name, replaced.get(tensor)!]);
  return g.program(program.name, Object.fromEntries(outputs));
}

describe('what optimising leaves', () => {
  const x = g.input('x', [2, 4]);
  const weight = g.input('weight', [4]);
  const bias = g.input('bias', [4]);

  it("drops unused nodes, and keeps the program's inputs", () => {
    const loss = g.sumAll(g.layerNorm(x, weight, bias));
    const [dBias] = g.grad(loss, [bias]);
    const all = g.program('all', { dBias: dBias! });
    expect(Object.keys(all.inputs).sort()).toEqual(['bias', 'weight', 'x']);
    const better = optimise(all);
    expect(Object.keys(better.inputs).sort()).toEqual(['bias', 'weight', 'x']);
    expect(operationsOf(better)).not.toContain('input');
    const values = { x: new Float64Array(8), weight: new Float64Array(4), bias: new Float64Array(4) };
    expect([...evaluateProgram(better, values).dBias!]).toEqual([2, 2, 2, 2]);
  });

  it('shares the weights of attention between forward and backward', () => {
    const q = g.input('q', [1, 2, 3, 4]);
    const y = g.attention(q, q, q);
    const options: OptimiseOptions = { keep: new Set(['softmax']) };
    const better = optimise(g.program('p', { y, dq: g.grad(g.sumAll(y), [q])[0]! }), options);
    expect(operationsOf(better).filter((name) => name === 'softmax').length).toBe(1);
  });

  it('gives two names of one output one tensor', () => {
    const { a, b } = optimise(g.program('p', { a: g.exp(x), b: g.exp(x) })).outputs;
    expect(a).toBe(b);
  });

  it('leaves deep graphs on the stack alone', () => {
    let y: Tensor = x;
    for (let i = 0; i < 20_000; i++) y = g.exp(g.neg(y));
    expect(nodesOf(optimise(g.program('deep', { y }))).length).toBe(40_001);
  });
});
