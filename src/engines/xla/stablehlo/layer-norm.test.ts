import { expect, it } from 'vitest';
import { normals, seed } from '../../../../tests/support/random.ts';
import { relativeError } from '../../../../tests/support/task-fixture.ts';
import { grad, input, layerNorm, mul, program, sumAll } from '../../../graph/index.ts';
import { optimise } from '../../../graph/passes/optimise.ts';
import { sizeOf } from '../../../graph/tensor.ts';
import { rng } from '../../../random/rng.ts';
import { evaluateProgram } from '../../reference/evaluate.ts';
import { layerNormGrad, layerNormInOnePass } from './layer-norm.ts';

const x = input('x', [3, 5, 32]);
const [weight, bias, dy] = [input('weight', [32]), input('bias', [32]), input('dy', [3, 5, 32])];
const y = layerNorm(x, weight, bias);
const [dx, dWeight, dBias] = grad(sumAll(mul(y, dy)), [x, weight, bias]);
const whole = program('norm', { y, dx: dx!, dWeight: dWeight!, dBias: dBias! });
const decompositions = {
  layerNorm: layerNormInOnePass,
  layerNormGrad,
  barrier: (_: unknown, inputs: readonly (typeof x)[]) => [...inputs],
};

it(`layer norm and its gradients equal the composites, also far from a mean of 0 (SEED=${seed})`, () => {
  const random = rng(seed);
  for (const mean of [0, 30]) {
    const values = Object.fromEntries(
      Object.entries(whole.inputs).map(([name, { shape }]) => [name, normals(random, sizeOf(shape))]),
    );
    values.x = values.x!.map((each) => each + mean);
    const truth = evaluateProgram(whole, values);
    const got = evaluateProgram(optimise(whole, { decompositions }), values);
    for (const [name, expected] of Object.entries(truth))
      expect(relativeError(got[name]!, expected), `${name}, mean ${mean}`).toBeLessThan(1e-9);
  }
});
