import { expect, it } from 'vitest';
import { stepFlops } from '../config/cost.ts';
import { parseConfig } from '../config/schema.ts';
import type { Engine } from '../engines/engine.ts';
import { referenceEngine } from '../engines/reference/engine.ts';
import type { Values } from '../graph/index.ts';
import { modelConfig } from '../models/sizes.ts';
import { assumedRate, measuredRate, measuredRateOf } from './rate.ts';
import { pretrainStep } from './step.ts';

it('assumes as much as there are cores, and says so', () => {
  expect(assumedRate(1).how).toContain('each of 1 CPU thread (');
  expect(assumedRate(16).flops).toBe(16 * assumedRate(1).flops);
});

/** Measures with an engine whose steps take these milliseconds; its programs are not run. */
async function withTimes<T>(times: number[], measure: (engine: Engine) => Promise<T>): Promise<[T, Values]> {
  let clock = 0;
  let seen: Values = {};
  const session = {
    async step(_: unknown, [inputs]: Values[]) {
      seen = inputs!;
      clock += times.shift()!;
    },
    async dispose() {},
  };
  const { now } = performance;
  performance.now = () => clock;
  try {
    const engine = { ...referenceEngine, description: 'an engine', open: async () => session as never };
    return [await measure(engine), seen];
  } finally {
    performance.now = now;
  }
}

it('measures the fastest step after the first', async () => {
  const times = [900, 40, 20, 30];
  const { flops: work } = pretrainStep(modelConfig('micro'), 'masked', 64);
  const [{ flops, how }] = await withTimes(times, measuredRate);
  expect(flops).toBeCloseTo(work / 0.02, 0);
  expect(how).toMatch(/^measured: [\d.e+]+ GFLOP\/s in steps of the micro model, an engine$/);
  expect(times).toEqual([]);
});

it.each([
  ['all of it where that is quick', 1e15, 24],
  ['as many as take a second', 10.5, 10],
  ['one image at least', 0.01, 1],
])('steps with the settings of a run take its batch: %s', async (_, images, batch) => {
  const config = parseConfig({
    model: { ...modelConfig('micro'), image: [28, 28], patch: 14, channels: 1 },
    task: { name: 'masked', maskRatio: 0.5 },
    data: { mean: [0.3], std: [0.3] },
    training: { batchSize: 48, microBatch: 24 },
  });
  const expected = images * stepFlops(config);
  const [{ flops, how }, { view }] = await withTimes([9, 40, 20, 30], (engine) =>
    measuredRateOf(config, engine, expected),
  );
  expect(view).toHaveLength(batch * 28 * 28);
  expect(flops / ((batch * stepFlops(config)) / 0.02)).toBeCloseTo(1, 9);
  expect(how).toContain('in steps of this model, an engine');
});
