import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../src/backends/reference/backend.ts';
import { evaluateTask } from '../src/train/evaluate-task.ts';
import { readTaskFixture, relativeError, taskFixtures } from './support/task-fixture.ts';

describe('tasks agree with the oracle', () => {
  it.each(taskFixtures)('%s', async (key) => {
    const { options, loss, parts, degraded, prediction, gradients } = await readTaskFixture(key);
    const got = await evaluateTask({ ...options, backend: referenceBackend });
    expect(relativeError(got.degraded, degraded), 'degraded').toBeLessThan(1e-6);
    expect(relativeError(got.prediction, prediction), 'prediction').toBeLessThan(1e-6);
    expect(relativeError([got.loss], [loss]), 'loss').toBeLessThan(1e-6);
    expect(Object.keys(got.parts).sort()).toEqual(Object.keys(parts).sort());
    for (const [name, value] of Object.entries(parts))
      expect(relativeError([got.parts[name]!], [value]), name).toBeLessThan(1e-6);
    expect(Object.keys(got.gradients).sort()).toEqual(Object.keys(gradients).sort());
    for (const [name, gradient] of Object.entries(gradients))
      expect(relativeError(got.gradients[name]!, gradient), name).toBeLessThan(1e-5);
  });
});
