import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Engine, Session } from '../../src/engines/engine.ts';
import { evaluateProgram } from '../../src/engines/reference/evaluate.ts';
import { grad, input, program, sizeOf, type Tensor, type TensorData } from '../../src/graph/index.ts';
import { rng } from '../../src/random/rng.ts';
import { cases } from '../operations/cases.ts';
import { mix } from '../operations/mix.ts';
import { seed } from './random.ts';

/** Seed of all draws. */

export interface OperationsSuite {
  open(): Promise<Engine>;
  /** Relative to the largest value of a tensor, as rounding errors of sums are. */
  readonly tolerance: number;
  /** Draws of each case. One program computes them all, because compiling can take longer than running. */
  readonly draws: number;
}

/** Tests that an engine computes every operation, and its gradients, as the reference does. */
export function testOperations({ open, tolerance, draws }: OperationsSuite): void {
  let session: Session;
  beforeAll(async () => {
    session = await (await open()).open({});
  });
  afterAll(() => session.dispose());

  it.each(Object.keys(cases))('%s', async (name) => {
    const outputs: Record<string, Tensor> = {};
    const values: Record<string, TensorData> = {};
    for (let draw = 0; draw < draws; draw++) {
      const random = rng(seed, name, draw);
      const { inputs, build } = cases[name]!(random);
      const tensors = inputs.map((each) => input(`${draw}:${each.name}`, each.shape, each.dtype));
      const results = build(tensors);
      const floats = tensors.filter(({ dtype }) => dtype === 'f32');
      const gradients = grad(mix(random, results), floats);
      [...results, ...gradients].forEach((tensor, i) => {
        outputs[`${i} of draw ${draw}`] = tensor;
      });
      for (const each of inputs) values[`${draw}:${each.name}`] = each.values;
    }
    const all = program(name, outputs);
    const expected = evaluateProgram(all, values);
    const got = await session.run(all, values);
    for (const [key, tensor] of Object.entries(outputs)) {
      const [truth, result] = [expected[key]!, got[key]!];
      expect(result.length).toBe(sizeOf(tensor.shape));
      const largest = Array.from(truth).reduce((most, x) => Math.max(most, Math.abs(x)), 1);
      const apart = Array.from(result).reduce((most, x, i) => Math.max(most, Math.abs(x - truth[i]!)), 0);
      expect(apart / largest, `output ${key}`).toBeLessThan(tolerance);
    }
  });
}
