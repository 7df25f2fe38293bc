import { describe, expect, it } from 'vitest';
import { whole, withRandom } from '../../tests/support/random.ts';
import { learningRate, scaledPeak } from './schedule.ts';

describe('learningRate', () => {
  const schedule = { peak: 1, warmupSteps: 10, totalSteps: 110, floor: 0.1 };

  it.each([
    [0, 0],
    [1, 0.1],
    [9, 0.9],
    [10, 1],
    [35, 0.1 + 0.45 * (1 + Math.SQRT1_2)], // a quarter of the way down: cos 45°
    [60, 0.55],
    [110, 0.1],
    [500, 0.1],
  ])('of step %i is %f', (step, expected) => {
    expect(learningRate(step, schedule)).toBeCloseTo(expected, 12);
  });

  it("falls in steps where ViTDet's does: at 163,889 and 177,546 of 184,375", () => {
    const steps = { peak: 1e-4, warmupSteps: 250, totalSteps: 184_375, floor: 0, shape: 'steps' } as const;
    const rates = [125, 250, 163_888, 163_889, 177_545, 177_546, 184_375].map((step) =>
      learningRate(step, steps),
    );
    for (const [i, expected] of [5e-5, 1e-4, 1e-4, 1e-5, 1e-5, 1e-6, 1e-6].entries())
      expect(rates[i]).toBeCloseTo(expected, 12);
    expect(learningRate(180_000, { ...steps, floor: 5e-6 })).toBe(5e-6);
  });

  it('starts at the peak without warm-up', () => {
    expect(learningRate(0, { ...schedule, warmupSteps: 0 })).toBe(1);
  });

  it('stays in the warm-up when there is nothing else', () => {
    const short = { peak: 1, warmupSteps: 10, totalSteps: 5, floor: 0 };
    expect([0, 2, 4].map((step) => learningRate(step, short))).toEqual([0, 0.2, 0.4]);
  });

  it('rises to the peak and then falls to the floor', () => {
    withRandom(100, (random) => {
      const floor = random.uniform(0, 0.5);
      const warmupSteps = whole(random, 0, 20);
      const totalSteps = warmupSteps + whole(random, 1, 50);
      const rates = Array.from({ length: totalSteps + 1 }, (_, step) =>
        learningRate(step, { peak: 1, warmupSteps, totalSteps, floor }),
      );
      expect(Math.max(...rates)).toBe(rates[warmupSteps]);
      expect(rates[totalSteps]).toBeCloseTo(floor, 12);
      for (let step = 1; step <= totalSteps; step++)
        expect(Math.sign(rates[step]! - rates[step - 1]!)).toBe(step <= warmupSteps ? 1 : -1);
    });
  });
});

it('the peak grows with the batch', () => {
  expect(scaledPeak(1.5e-4, 2048)).toBeCloseTo(1.2e-3, 12);
});
