import { beforeAll, describe, expect, it } from 'vitest';
import { readTaskFixture, relativeError } from '../../../tests/support/task-fixture.ts';
import { openCpuXla } from '../../../tests/support/xla.ts';
import { evaluateTask } from '../../programs/evaluate-task.ts';
import type { XlaEngine } from './engine.ts';

// Every degradation, target and decoder, with and without masking. Each takes seconds to compile, so sessions use
// only the masked task.
const keys = [
  'masked+zoomed-in',
  'zoomed-out-64',
  'distorted',
  'masked+blurred',
  'de-colorized-hsv',
  'frequency-odd',
  'masked-hog-16',
  'masked+cross-zoom-share',
] as const;

describe('tasks agree with the oracle on XLA', () => {
  let engine: XlaEngine;
  beforeAll(async () => {
    engine = await openCpuXla();
  });

  it.each(keys)('%s', async (key) => {
    const { options, loss, degraded, prediction, gradients } = await readTaskFixture(key);
    const got = await evaluateTask({ ...options, engine });
    expect(relativeError(got.degraded, degraded), 'degraded').toBeLessThan(1e-5);
    expect(relativeError(got.prediction, prediction), 'prediction').toBeLessThan(1e-5);
    expect(relativeError([got.loss], [loss]), 'loss').toBeLessThan(1e-5);
    expect(Object.keys(got.gradients).sort()).toEqual(Object.keys(gradients).sort());
    for (const [weight, gradient] of Object.entries(gradients))
      expect(relativeError(got.gradients[weight]!, gradient), weight).toBeLessThan(1e-4);
  });
});
