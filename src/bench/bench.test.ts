import { describe, expect, it } from 'vitest';
import { isMissing } from '../../tests/support/libraries.ts';
import { parseConfig } from '../config/schema.ts';
import { isTimed, type Timing } from '../engines/timing.ts';
import { modelConfig } from '../models/sizes.ts';
import { initialise } from '../nn/init.ts';
import { openEngine } from '../run/engine.ts';
import { type BenchOptions, bench } from './bench.ts';
import { pretrainStep } from './step.ts';
import { oneDnnWork, onnxWork } from './work.ts';

const model = modelConfig('micro', {
  width: 16,
  depth: 1,
  heads: 2,
  decoder: { width: 8, depth: 1, heads: 2 },
});
const step = pretrainStep(model, 'masked', 4);
const names = Object.keys(step.inputs);
const total = (timings: readonly Timing[]) => timings.reduce((sum, { flops }) => sum + flops, 0) / 1e9;

const works = {
  onnx: onnxWork(step.plan.gradients),
  onednn: oneDnnWork(step.plan.gradients, new Set(names), 'f32'),
};
const engines = ['onnx', 'onednn'] as const;

for (const name of engines)
  describe.skipIf(isMissing(name))(`the ${name} engine`, () => {
    it('times the products and the calls of a step, none more and none less', async () => {
      const backend = await openEngine(parseConfig({ engine: { name, threads: 1 } }).engine);
      const session = await backend.open(initialise(step.specs, 1));
      if (!isTimed(session)) throw new Error('a session that can be timed is needed');
      const run = (at: number) => session.step(step.plan, [step.inputs], { step: at, lr: 1e-3 });
      const first = await run(0);
      const products = await session.timeProducts(step.plan.gradients, names);
      expect(total(products)).toBeCloseTo(works[name].gflop, 9);
      expect(products.every(({ milliseconds }) => milliseconds > 0)).toBe(true);
      await session.profile();
      const second = await run(1);
      const calls = await session.profile();
      expect(total(calls)).toBeCloseTo(works[name].gflop, 9);
      await session.dispose();
      // Being looked at changes nothing.
      const plain = await backend.open(initialise(step.specs, 1));
      const unseen = [];
      for (let at = 0; at < 2; at++)
        unseen.push(await plain.step(step.plan, [step.inputs], { step: at, lr: 1e-3 }));
      expect(unseen).toEqual([first, second]);
      await plain.dispose();
    });
  });

for (const name of engines)
  describe.skipIf(isMissing(name))(`bench on ${name}`, () => {
    it('measures tasks in turns', async () => {
      const told: string[] = [];
      const result = await bench({
        model: 'micro',
        tasks: ['masked', 'blurred'],
        batch: 2,
        steps: 2,
        engine: { name, threads: 1 },
        onProgress: (what, done, all) => told.push(`${what} ${done}/${all}`),
      });
      expect(result.rows.map(({ task }) => task)).toEqual(['masked', 'blurred']);
      for (const { stepSeconds, spread, imagesPerSecond } of result.rows) {
        expect(spread[0]).toBeLessThanOrEqual(stepSeconds);
        expect(imagesPerSecond).toBeCloseTo(2 / stepSeconds, 9);
      }
      expect(result.slowest).toHaveLength(10);
      expect(result.peakGB).toBeGreaterThan(0.01);
      expect(told.at(-1)).toBe('steps 8/8');
    });
  });

describe('bench', () => {
  it.each<[BenchOptions, string]>([
    [{ model: 'bse' }, 'did you mean "base"'],
    [{ model: 'micro', tasks: ['maskd'] }, 'did you mean "masked"'],
    [{ engine: { name: 'onednx' as 'onednn' } }, 'onednx'],
    [{ model: 'micro', tasks: ['blurred'], compare: ['python3'] }, 'must be masked, got blurred'],
    [{ model: 'micro', batch: 1, steps: 1, compare: ['no-such-python'] }, 'no-such-python cannot be run'],
  ])('refuses %o', async (options, message) => {
    await expect(bench({ ...options, engine: { name: 'onnx', ...options.engine } })).rejects.toThrow(message);
  });
});
