import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../src/engines/engine.ts';
import { openOneDnnEngine } from '../src/engines/onednn/engine.ts';
import { openOnnxEngine } from '../src/engines/onnx/engine.ts';
import { referenceEngine } from '../src/engines/reference/engine.ts';
import { evaluateTask } from '../src/programs/evaluate-task.ts';
import { isMissing, oneDnnFolder } from './support/libraries.ts';
import { readTaskFixture, relativeError, taskFixtures } from './support/task-fixture.ts';

interface Tolerances {
  readonly open: () => Promise<Engine>;
  /** Largest relative error of the loss, and of each weight's gradient. */
  readonly loss: number;
  readonly gradient: number;
}

const engines: Record<string, Tolerances> = {
  reference: { open: async () => referenceEngine, loss: 1e-6, gradient: 1e-5 },
  onnx: { open: () => openOnnxEngine(), loss: 1e-5, gradient: 1e-4 },
  onednn: { open: () => openOneDnnEngine({ folder: oneDnnFolder }), loss: 1e-5, gradient: 1e-4 },
};

for (const [name, tolerances] of Object.entries(engines))
  describe.skipIf(isMissing(name))(`tasks agree with the oracle on ${name}`, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await tolerances.open();
    });

    it.each(taskFixtures)('%s', async (key) => {
      const { options, loss, parts, degraded, prediction, gradients } = await readTaskFixture(key);
      const got = await evaluateTask({ ...options, engine });
      expect(relativeError(got.degraded, degraded), 'degraded').toBeLessThan(tolerances.loss);
      expect(relativeError(got.prediction, prediction), 'prediction').toBeLessThan(tolerances.loss);
      expect(relativeError([got.loss], [loss]), 'loss').toBeLessThan(tolerances.loss);
      expect(Object.keys(got.parts).sort()).toEqual(Object.keys(parts).sort());
      for (const [part, value] of Object.entries(parts))
        expect(relativeError([got.parts[part]!], [value]), part).toBeLessThan(tolerances.loss);
      expect(Object.keys(got.gradients).sort()).toEqual(Object.keys(gradients).sort());
      for (const [weight, gradient] of Object.entries(gradients))
        expect(relativeError(got.gradients[weight]!, gradient), weight).toBeLessThan(tolerances.gradient);
    });
  });
