import { describe, expect, it } from 'vitest';
import { operations } from '../graph/index.ts';
import { rules as oneDnnRules } from './onednn/rules.ts';
import type { Overrides } from './onnx/rule.ts';
import { rules as onnxRules } from './onnx/rules.ts';
import type { Kernels } from './reference/kernel.ts';
import { rules as xlaRules } from './xla/stablehlo/rules.ts';

const primitives = [...operations().values()]
  .filter(({ role, decompose }) => role !== 'source' && !decompose)
  .map(({ name }) => name);

describe('the table of rules', () => {
  it.each(Object.entries({ onnx: onnxRules, onednn: oneDnnRules, xla: xlaRules }))(
    'of %s has a row for each primitive that is defined, and no other',
    (_, rules) => {
      expect(Object.keys(rules).sort()).toEqual(primitives.toSorted());
    },
  );

  it('does not compile with a missing or misspelled row', () => {
    const { matmul, ...missing } = onnxRules;
    // @ts-expect-error a primitive without a rule
    const incomplete: typeof onnxRules = missing;
    // @ts-expect-error no composite of that name
    const misspelled: Overrides = { geluu: matmul };
    // @ts-expect-error a kernel of two inputs for an operation of one
    const wrong: Partial<Kernels> = { neg: (_, [a, b]) => a ?? b };
    expect([incomplete, misspelled, wrong]).toHaveLength(3);
  });
});
