import { describe, expect, it } from 'vitest';
import { fc } from '../../../tests/support/random.ts';
import {
  type BatchPlan,
  type Cursor,
  evaluationPlan,
  positionsOf,
  sampleRng,
  trainingPlan,
} from './sampler.ts';

function take(plans: Iterator<BatchPlan>, n: number) {
  return Array.from({ length: n }, () => plans.next().value as BatchPlan);
}
const sizes = fc
  .integer({ min: 1, max: 60 })
  .chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 1, max: n })));

describe('trainingPlan', () => {
  it('shows every image at most once in an epoch, and all that fill a batch', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), ([n, size], seed) => {
        const perEpoch = Math.floor(n / size);
        const plans = take(trainingPlan(n, size, seed), perEpoch * 2 + 1);
        for (const epoch of [0, 1]) {
          const ours = plans.filter((plan) => plan.epoch === epoch);
          const seen = ours.flatMap((plan) => [...plan.indices]);
          expect(ours.length).toBe(perEpoch);
          expect(new Set(seen).size).toBe(perEpoch * size);
          expect(ours.at(-1)!.cursor).toEqual({ epoch: epoch + 1, position: 0 });
          expect(seen.every((i) => i >= 0 && i < n)).toBe(true);
        }
        expect(plans.at(-1)!.epoch).toBe(2);
        expect(plans.every(({ weights }) => weights.every((w) => w === 1))).toBe(true);
      }),
    );
  });

  it('divides each batch among ranks, pairs of opposite images together', () => {
    const shares = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 8 }), fc.nat());
    fc.assert(
      fc.property(shares, ([size, each, seed]) => {
        const batch = size * each;
        const [n, ranks] = [batch + 3, Array.from({ length: size }, (_, rank) => rank)];
        const whole = take(trainingPlan(n, batch, seed), 3);
        const parts = ranks.map((rank) => take(trainingPlan(n, batch, seed, undefined, { rank, size }), 3));
        for (const [i, { indices, ...rest }] of whole.entries()) {
          const all = parts.flatMap((plans) => [...plans[i]!.indices]);
          expect(all.sort((a, b) => a - b)).toEqual([...indices].sort((a, b) => a - b));
          for (const plans of parts) {
            const { indices: own, weights, ...shared } = plans[i]!;
            expect({ ...shared, weights: new Float32Array(batch).fill(1) }).toEqual(rest);
            expect([own.length, weights.length]).toEqual([each, each]);
          }
        }
        for (const rank of ranks) {
          const own = positionsOf(batch, { rank, size });
          if (each % 2 === 0)
            for (const [i, at] of own.entries()) expect(own[each - 1 - i]).toBe(batch - 1 - at);
        }
      }),
    );
    expect(() => trainingPlan(20, 10, 1, undefined, { rank: 0, size: 3 })).toThrow(
      'got 10 images for rank 0 of 3',
    );
  });

  it('continues from any cursor as if it had never stopped', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.integer({ min: 1, max: 30 }), ([n, size], seed, stop) => {
        const straight = take(trainingPlan(n, size, seed), stop + 5);
        const cursor: Cursor = JSON.parse(JSON.stringify(straight[stop - 1]!.cursor));
        expect(take(trainingPlan(n, size, seed, cursor), 5)).toEqual(straight.slice(stop));
      }),
    );
  });

  it('has another order for another seed and epoch', () => {
    const order = (seed: number, epoch: number) =>
      take(trainingPlan(50, 50, seed, { epoch, position: 0 }), 1)[0]!.indices.join();
    expect(new Set([order(0, 0), order(0, 1), order(1, 0)]).size).toBe(3);
  });

  it('keeps the order of an epoch when the batch size changes', () => {
    const small = take(trainingPlan(40, 4, 9), 10).flatMap((plan) => [...plan.indices]);
    const large = take(trainingPlan(40, 20, 9, { epoch: 0, position: 20 }), 1)[0]!;
    expect([...large.indices]).toEqual(small.slice(20));
  });

  it('says what it needs', () => {
    expect(() => trainingPlan(10, 11, 0)).toThrow('an integer from 1 to the 10 images, got 11');
    expect(() => trainingPlan(10, 1.5, 0)).toThrow('got 1.5');
    expect(() => trainingPlan(10, 5, 0, { epoch: 0, position: 11 })).toThrow(
      'a cursor needs an epoch ≥ 0 and a position in [0, 10], got epoch 0, position 11',
    );
    expect(() => trainingPlan(10, 5, 0, { epoch: -1, position: 0 })).toThrow(RangeError);
  });
});

describe('evaluationPlan', () => {
  it('shows every image once, in order, and pads with weight 0', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 70 }), (n, size) => {
        const plans = [...evaluationPlan(n, size)];
        expect(plans.length).toBe(Math.ceil(n / size));
        const pairs = plans.flatMap((plan) =>
          [...plan.indices].map((index, i) => [index, plan.weights[i]!] as const),
        );
        expect(plans.every(({ indices }) => indices.length === size)).toBe(true);
        expect(pairs.filter(([, weight]) => weight === 1).map(([index]) => index)).toEqual([
          ...Array(n).keys(),
        ]);
        expect(pairs.slice(n).every(([index, weight]) => index < n && weight === 0)).toBe(true);
      }),
    );
  });

  it('says what it needs', () => {
    expect(() => [...evaluationPlan(5, 0)]).toThrow('the batch size must be a positive integer, got 0');
  });
});

describe('sampleRng', () => {
  it('has a stream for every seed, epoch and image', () => {
    const names = [
      [0, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ] as const;
    expect(new Set(names.map((name) => sampleRng(name[0], name[1], name[2]).uniform())).size).toBe(4);
    expect(sampleRng(1, 2, 3).uniform()).toBe(sampleRng(1, 2, 3).uniform());
  });
});
