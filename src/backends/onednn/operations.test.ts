import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cases } from '../../../tests/operations/cases.ts';
import { mix } from '../../../tests/operations/mix.ts';
import { grad, input, program, sizeOf } from '../../graph/index.ts';
import { rng } from '../../random/rng.ts';
import type { Session } from '../backend.ts';
import { evaluateProgram } from '../reference/evaluate.ts';
import { openOneDnnBackend } from './backend.ts';

// Relative to the largest value of a tensor: single precision sums round off in proportion to it.
// bfloat16 has eight bits, and what it rounds goes through several products here, some of which cancel.
const tolerances = { f32: 1e-5, bf16: 0.1 };
const RUNS = 12;
const baseSeed = Number(process.env.SEED ?? Date.now() % 1e6);

describe.each(['f32', 'bf16'] as const)(
  `the onednn engine in %s computes what the reference does (SEED=${baseSeed})`,
  (precision) => {
    let session: Session;
    beforeAll(async () => {
      session = await (await openOneDnnBackend({ threads: 1, precision })).open({});
    });
    afterAll(() => session.dispose());

    it.each(Object.keys(cases))('%s', async (name) => {
      for (let run = 0; run < RUNS; run++) {
        const random = rng(baseSeed + run, name);
        const { inputs, build } = cases[name]!(random);
        const tensors = inputs.map((each) => input(each.name, each.shape, each.dtype));
        const outputs = build(tensors);
        const floats = tensors.filter(({ dtype }) => dtype === 'f32');
        const gradients = grad(mix(random, outputs), floats);
        const all = program(
          name,
          Object.fromEntries([...outputs, ...gradients].map((tensor, i) => [`${i}`, tensor])),
        );
        const values = Object.fromEntries(inputs.map((each) => [each.name, each.values]));
        const expected = evaluateProgram(all, values);
        const got = await session.run(all, values);
        for (const [key, tensor] of Object.entries(all.outputs)) {
          const [truth, result] = [expected[key]!, got[key]!];
          expect(result.length).toBe(sizeOf(tensor.shape));
          const largest = (truth as Float64Array).reduce((most, x) => Math.max(most, Math.abs(x)), 1);
          const apart = (result as Float32Array).reduce(
            (most, x, i) => Math.max(most, Math.abs(x - truth[i]!)),
            0,
          );
          expect(apart / largest, `output ${key} of seed ${baseSeed + run}`).toBeLessThan(
            tolerances[precision],
          );
        }
      }
    });
  },
);
