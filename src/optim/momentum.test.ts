import { describe, expect, it } from 'vitest';
import { readFixture } from '../../tests/support/fixture.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { evaluateProgram } from '../engines/reference/evaluate.ts';
import { updateProgram } from '../engines/update-program.ts';
import type { UpdateRule } from '../graph/update.ts';
import { lars } from './lars.ts';
import { sgd } from './sgd.ts';

const rules: Record<string, (options: { momentum: number; trust: number }) => UpdateRule> = { sgd, lars };

describe.each(Object.keys(rules))('%s', (name) => {
  it.each(['matrix', 'vector', 'zeros'])("ten steps on a %s agree with PyTorch's", async (tensor) => {
    const { float, shape, metadata } = await readFixture('probe');
    const { momentum, trust, weightDecay, lr } = metadata('optimizers');
    const sides = shape(`${name}.start.${tensor}`);
    const rule = rules[name]!({ momentum, trust });
    const decay = sides.length > 1 ? weightDecay : 0;
    // Half the learning rate for a group of scale 2, twice the gradient for a scale of ½: the same steps.
    const update = updateProgram(rule, sides, { weightDecay: decay, lrScale: 2 });
    let weight = Float64Array.from(float(`${name}.start.${tensor}`));
    let velocity = new Float64Array(weight.length);
    for (let step = 0; step < 10; step++) {
      const at = [step * weight.length, (step + 1) * weight.length] as const;
      const gradient = Float64Array.from(float(`${name}.grad.${tensor}`).slice(...at), (x) => 2 * x);
      const scalars = { ...rule.scalars(step, lr[step] / 2), scale: 0.5 };
      const numbers = Object.entries(scalars).map(([key, x]) => [key, Float64Array.of(x)]);
      const inputs = { weight, gradient, momentum: velocity, ...Object.fromEntries(numbers) };
      const next = evaluateProgram(update, inputs);
      weight = Float64Array.from(next.weight!);
      velocity = Float64Array.from(next.momentum!);
      const expected = float(`${name}.after.${tensor}`).slice(...at);
      expect(relativeError(weight, expected), `step ${step}`).toBeLessThan(1e-6);
    }
    expect(relativeError(velocity, float(`${name}.momentum.${tensor}`))).toBeLessThan(1e-6);
  });
});
