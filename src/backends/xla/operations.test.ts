import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cases } from '../../../tests/operations/cases.ts';
import { mix } from '../../../tests/operations/mix.ts';
import { openCpuXla } from '../../../tests/support/xla.ts';
import { grad, input, program, sizeOf } from '../../graph/index.ts';
import { rng } from '../../random/rng.ts';
import type { Session } from '../backend.ts';
import { evaluateProgram } from '../reference/evaluate.ts';

// Relative to the largest value of a tensor: single precision sums round off in proportion to it.
const TOLERANCE = 1e-5;
const RUNS = 2;
const baseSeed = Number(process.env.SEED ?? Date.now() % 1e6);

describe(`XLA on the CPU computes what the reference does (SEED=${baseSeed})`, () => {
  let session: Session;
  beforeAll(async () => {
    session = await (await openCpuXla()).open({});
  });
  afterAll(() => session.dispose());

  // One program for all draws of a case: compiling takes longer than running.
  it.each(Object.keys(cases))('%s', async (name) => {
    const outputs: Record<string, ReturnType<typeof input>> = {};
    const values: Record<string, Float32Array | Int32Array | Uint8Array> = {};
    for (let run = 0; run < RUNS; run++) {
      const random = rng(baseSeed + run, name);
      const { inputs, build } = cases[name]!(random);
      const tensors = inputs.map((each) => input(`${run}:${each.name}`, each.shape, each.dtype));
      const made = build(tensors);
      const floats = tensors.filter(({ dtype }) => dtype === 'f32');
      const gradients = grad(mix(random, made), floats);
      [...made, ...gradients].forEach((tensor, i) => {
        outputs[`${i} of seed ${baseSeed + run}`] = tensor;
      });
      for (const each of inputs) values[`${run}:${each.name}`] = each.values;
    }
    const all = program(name, outputs);
    const expected = evaluateProgram(all, values);
    const got = await session.run(all, values);
    for (const [key, tensor] of Object.entries(all.outputs)) {
      const [truth, result] = [expected[key]!, got[key]!];
      expect(result.length).toBe(sizeOf(tensor.shape));
      const largest = (truth as Float64Array).reduce((most, x) => Math.max(most, Math.abs(x)), 1);
      const apart = Array.from(result).map((x, i) => Math.abs(x - truth[i]!));
      expect(
        apart.every((x) => x / largest < TOLERANCE),
        `output ${key}: ${Math.max(...apart) / largest}`,
      ).toBe(true);
    }
  });
});
