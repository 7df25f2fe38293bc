import { expect, it } from 'vitest';
import { referenceEngine } from '../engines/reference/engine.ts';
import { modelConfig } from '../models/sizes.ts';
import { assumedRate, measuredRate } from './rate.ts';
import { pretrainStep } from './step.ts';

it('assumes as much as there are cores, and says so', () => {
  expect(assumedRate(1).how).toContain('each of 1 CPU thread (');
  expect(assumedRate(16).flops).toBe(16 * assumedRate(1).flops);
});

it('measures the fastest step after the first', async () => {
  const times = [900, 40, 20, 30];
  const clock = [0];
  const session = {
    async step() {
      clock[0]! += times.shift()!;
    },
    async dispose() {},
  };
  const { flops: work } = pretrainStep(modelConfig('micro'), 'masked', 64);
  const { now } = performance;
  performance.now = () => clock[0]!;
  try {
    const engine = { ...referenceEngine, description: 'an engine', open: async () => session as never };
    const { flops, how } = await measuredRate(engine);
    expect(flops).toBeCloseTo(work / 0.02, 0);
    expect(how).toMatch(/^measured: [\d.e+]+ GFLOP\/s in steps of the micro model, an engine$/);
    expect(times).toEqual([]);
  } finally {
    performance.now = now;
  }
});
