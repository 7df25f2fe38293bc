import { expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { relativeError } from '../../../tests/support/task-fixture.ts';
import { grad, input, mlp, mul, program, sumAll } from '../../graph/index.ts';
import { rng } from '../../random/rng.ts';
import { evaluateProgram } from '../reference/evaluate.ts';
import { hiddenParts } from './decompositions.ts';
import { openOnnxEngine } from './engine.ts';

it.each([
  [96, 1],
  [1536, 1],
  [1024, 2],
  [3072, 2],
  [4096, 8],
  [5120, 2],
])('a hidden side of %i is cut into %i', (hidden, parts) => {
  expect(hiddenParts(hidden)).toBe(parts);
});

it.each([1024, 4096])('an MLP in parts and its gradients equal the whole: hidden side %i', async (hidden) => {
  const stream = rng(seed);
  const shapes = {
    x: [7, 5],
    weight1: [hidden, 5],
    bias1: [hidden],
    weight2: [3, hidden],
    bias2: [3],
    dy: [7, 3],
  };
  const tensors = Object.entries(shapes).map(([name, shape]) => input(name, shape));
  const values = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => stream.normal(0, 0.3)),
    ]),
  );
  const [x, weight1, bias1, weight2, bias2, dy] = tensors;
  const y = mlp(x!, weight1!, bias1!, weight2!, bias2!);
  const gradients = grad(sumAll(mul(y, dy!)), tensors.slice(0, 5));
  const all = program('mlp', Object.fromEntries([y, ...gradients].map((tensor, i) => [`${i}`, tensor])));
  const session = await (await openOnnxEngine()).open({});
  const got = await session.run(all, values);
  const expected = evaluateProgram(all, values);
  for (const name of Object.keys(expected))
    expect(relativeError(got[name]!, expected[name]!), `output ${name}, seed ${seed}`).toBeLessThan(1e-5);
  await session.dispose();
});
