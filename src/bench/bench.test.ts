import { describe, expect, it } from 'vitest';
import { isMissing } from '../../tests/support/libraries.ts';
import { parseConfig } from '../config/schema.ts';
import { isTimed, type Timing } from '../engines/timing.ts';
import { modelConfig } from '../models/sizes.ts';
import { initialise } from '../nn/init.ts';
import { openEngine } from '../run/engine.ts';
import { taskNames } from '../tasks/table.ts';
import { type BenchOptions, bench } from './bench.ts';
import { type BenchStep, pretrainStep } from './step.ts';
import { oneDnnWork, onnxWork } from './work.ts';

const model = modelConfig('micro', {
  width: 16,
  depth: 1,
  heads: 2,
  decoder: { width: 8, depth: 1, heads: 2 },
});
const total = (timings: readonly Timing[]) => timings.reduce((sum, { flops }) => sum + flops, 0) / 1e9;

const works = {
  onnx: ({ plan }: BenchStep) => onnxWork(plan.gradients),
  onednn: ({ plan, inputs }: BenchStep) => oneDnnWork(plan.gradients, new Set(Object.keys(inputs)), 'f32'),
};
const engines = ['onnx', 'onednn'] as const;

for (const name of engines)
  describe.skipIf(isMissing(name))(`the ${name} engine`, () => {
    it.each(taskNames)('times the calls of a step, none more and none less: %s', async (task) => {
      const step = pretrainStep(model, task, 4);
      const engine = await openEngine(parseConfig({ engine: { name, threads: 1 } }).engine);
      const session = await engine.open(initialise(step.specs, 1));
      if (!isTimed(session)) throw new Error('a session that can be timed is needed');
      const run = (at: number) => session.step(step.plan, [step.inputs], { step: at, lr: 1e-3 });
      const first = await run(0);
      await session.profile();
      const second = await run(1);
      const calls = await session.profile();
      const { gflop } = works[name](step);
      expect(total(calls)).toBeCloseTo(gflop, 9);
      expect(gflop).toBeGreaterThan(0);
      expect(calls.every(({ milliseconds }) => milliseconds > 0)).toBe(true);
      await session.dispose();
      // Profiling changes no result.
      const plain = await engine.open(initialise(step.specs, 1));
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
      const progress: string[] = [];
      const result = await bench({
        model: 'micro',
        tasks: ['masked', 'blurred'],
        batch: 2,
        steps: 2,
        engine: { name, threads: 1 },
        onProgress: (what, done, all) => progress.push(`${what} ${done}/${all}`),
      });
      expect(result.rows.map(({ task }) => task)).toEqual(['masked', 'blurred']);
      for (const { stepSeconds, spread, imagesPerSecond } of result.rows) {
        expect(spread[0]).toBeLessThanOrEqual(stepSeconds);
        expect(imagesPerSecond).toBeCloseTo(2 / stepSeconds, 9);
      }
      expect(result.slowest).toHaveLength(10);
      expect(result.productGflops).toBeGreaterThan(0);
      expect(result.share).toBeGreaterThan(0);
      expect(result.peakGB).toBeGreaterThan(0.01);
      expect(progress.at(-1)).toBe('steps 8/8');
    });

    it('measures a step of segmentation', async () => {
      const engine = { name, threads: 1 } as const;
      const { rows } = await bench({
        model: 'micro',
        segment: 'upernet',
        image: 32,
        batch: 2,
        steps: 1,
        engine,
      });
      expect(rows.map(({ task }) => task)).toEqual(['segment upernet']);
      expect(rows[0]!.gflops).toBeGreaterThan(0);
    });

    it("measures a step of detection, and the host's share", async () => {
      const { rows, batch } = await bench({
        ...{ detect: 'shapes', batch: 1, steps: 1 },
        engine: { name, threads: 1 },
      });
      expect(batch).toBe(1);
      expect(rows.map(({ task }) => task)).toEqual(['detect shapes']);
      expect(rows[0]!.hostShare).toBeGreaterThan(0);
      expect(rows[0]!.hostShare).toBeLessThan(1);
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
