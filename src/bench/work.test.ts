import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { add, input, matmul, program, transpose } from '../graph/index.ts';
import { modelConfig } from '../models/sizes.ts';
import { type Budget, countWork, growth, oneDnnStepWork } from './budget.ts';
import { detectStep } from './detect-step.ts';
import { finetuneStep, pretrainStep, segmentStep } from './step.ts';
import { oneDnnWork, onnxWork } from './work.ts';

const budget = JSON.parse(readFileSync(new URL('./budget.json', import.meta.url), 'utf8')) as Budget;

describe('work of lowered programs', () => {
  it('does not grow; if it must: npm run bench -- budget', () => {
    expect(growth(budget, countWork())).toEqual([]);
  });

  it('names the figures that grew', () => {
    const [name, work] = Object.entries(budget)[0]!;
    const more = { ...work, operators: { ...work.operators, Transpose: 1000 }, movedMB: work.movedMB * 1.03 };
    expect(growth(budget, { [name]: more })).toEqual([
      `${name}: Transpose grew from ${work.operators.Transpose} to 1000`,
      `${name}: movedMB grew from ${work.movedMB} to ${more.movedMB}`,
    ]);
    expect(growth(budget, { other: work })).toEqual(['other: has no budget']);
    expect(growth(budget, { [name]: { ...work, gflop: work.gflop / 2 } })).toEqual([]);
  });

  it('is that of a product, a transpose and a sum, counted by hand', () => {
    const [a, b, c] = [input('a', [6, 5]), input('b', [5, 7]), input('c', [7, 6])];
    const both = program('both', { y: add(transpose(matmul(a, b), [1, 0]), c) });
    const gflop = (2 * 6 * 5 * 7) / 1e9;
    const [matrix, types] = [4 * 42, { MatMul: 1, Transpose: 1, Add: 1, Identity: 1 }];
    expect(onnxWork(both)).toEqual({ operators: types, gflop, movedMB: (5 * matrix) / 1e6 });
    const onednn = oneDnnWork(both, new Set(['a', 'b', 'c']), 'f32');
    expect(onednn.gflop).toBe(gflop);
    expect(onednn.operators.matmul).toBe(1);
    // Its sums read transposed operands in place.
    expect(onednn.movedMB).toBeGreaterThanOrEqual((3 * matrix) / 1e6);
  });

  it.each([
    ['pre-training', pretrainStep(modelConfig('tiny'), 'masked', 2)],
    ['fine-tuning', finetuneStep(modelConfig('tiny'), 2)],
    ['segmentation', segmentStep(modelConfig('tiny', { image: [128, 128] }), 'upernet', 2)],
    // The part up to the proposals is computed once.
    ['detection', detectStep('shapes', 2)],
  ])('has the FLOPs of the formula: %s', (_, step) => {
    // The formula counts a gradient for the images, which is not computed, and no sums by products.
    for (const { gflop } of [onnxWork(step.plan.gradients), oneDnnStepWork(step, 'f32')])
      expect(Math.abs((gflop * 1e9) / step.flops - 1)).toBeLessThan(0.05);
  });
});
