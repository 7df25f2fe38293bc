import { expect, it } from 'vitest';
import { cases } from '../../tests/operations/cases.ts';
import { seed } from '../../tests/support/random.ts';
import { evaluateProgram } from '../engines/reference/evaluate.ts';
import { rng } from '../random/rng.ts';
import { flopsOf } from './flops.ts';
import { input, operations, program, sizeOf, type Tensor } from './index.ts';
import { topologicalOrder } from './topology.ts';

/** Random uses of an operation: values of inputs and outputs. */
function* uses(name: string) {
  for (let draw = seed; draw < seed + 20; draw++) {
    const { inputs, build } = cases[name]!(rng(draw, name));
    const made = build(inputs.map((each) => input(each.name, each.shape, each.dtype)));
    const values = Object.fromEntries(inputs.map((each) => [each.name, each.values]));
    const valuesOf = (tensors: readonly Tensor[]) => {
      const outputs = Object.fromEntries(tensors.map((tensor, i) => [`${i}`, tensor]));
      return Object.values(evaluateProgram(program(name, outputs), values)).map((data) => Array.from(data));
    };
    for (const node of topologicalOrder(made)) {
      if (node.operation.name !== name) continue;
      yield { node, from: () => valuesOf(node.inputs), to: () => valuesOf(node.outputs) };
    }
  }
}

it.each([...operations().values()])(
  `$name keeps the promise of its role, $role (SEED=${seed})`,
  ({ name, role }) => {
    for (const { node, from, to } of uses(name)) {
      const { inputs, outputs } = node;
      const empty = inputs.some(({ shape }) => sizeOf(shape) === 0);
      if (role === 'move') {
        const known = new Set([0, ...from().flat()]);
        expect(
          to()
            .flat()
            .every((value) => known.has(value)),
        ).toBe(true);
      }
      if (role === 'pointwise') {
        const rank = Math.max(...inputs.map(({ shape }) => shape.length));
        const sides = Array.from({ length: rank }, (_, axis) =>
          inputs
            .map(({ shape }) => shape[axis - rank + shape.length] ?? 1)
            .reduce((a, b) => (a === 1 ? b : a)),
        );
        for (const { shape } of outputs) expect(shape).toEqual(sides);
      }
      if (role === 'activation' || role === 'norm') expect(outputs[0]!.shape).toEqual(inputs[0]!.shape);
      if (role === 'index') for (const { dtype } of outputs) expect(dtype).toBe('i32');
      if (role === 'reduce' && name !== 'scatterAdd' && !empty)
        expect(sizeOf(outputs[0]!.shape)).toBeLessThanOrEqual(sizeOf(inputs[0]!.shape));
      expect(flopsOf([node]) > 0).toBe((role === 'product' || role === 'convolution') && !empty);
    }
  },
);
