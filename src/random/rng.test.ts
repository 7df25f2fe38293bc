import { describe, expect, it } from 'vitest';
import { fc } from '../../tests/support/random.ts';
import { rng, threefry } from './rng.ts';

describe('threefry', () => {
  // Known-answer vectors of the Random123 library, threefry2x32 with 20 rounds.
  it.each([
    [0, 0, 0, 0, 0x6b200159, 0x99ba4efe],
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7],
    [0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c, 0x483df7a0],
  ])('key %i %i, counter %i %i', (low, high, a, b, first, second) => {
    const out = new Uint32Array(2);
    threefry(low, high, a, b, out);
    expect([...out]).toEqual([first, second]);
  });
});

describe('rng', () => {
  const take = (r: { uint32(): number }, n = 8) => Array.from({ length: n }, () => r.uint32());

  it('gives the same numbers on every platform', () => {
    // Recorded once. A change here changes every published run.
    expect(take(rng(0), 3)).toEqual([1590209733, 219938738, 1617091538]);
    expect(rng(7, 'crop', 3).normal()).toBe(-1.1852134727061208);
    expect([...rng(7, 'order').permutation(8)]).toEqual([2, 6, 5, 4, 3, 1, 0, 7]);
  });

  it('repeats for one name and differs for another', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.array(fc.oneof(fc.maxSafeInteger(), fc.string())), (seed, keys) => {
        expect(take(rng(seed, ...keys))).toEqual(take(rng(seed, ...keys)));
        expect(take(rng(seed, ...keys))).toEqual(take(rng(seed).derive(...keys)));
        expect(take(rng(seed, ...keys, 0))).not.toEqual(take(rng(seed, ...keys)));
      }),
    );
    const names = [[1], ['1'], [-1], [2 ** 32 + 1], ['a', 'b'], ['ab'], ['b', 'a'], [0, 1], [1, 0]];
    expect(new Set(names.map((keys) => take(rng(5, ...keys)).join())).size).toBe(names.length);
  });

  it('derives streams that do not depend on earlier draws', () => {
    const drawn = rng(3, 'x');
    take(drawn, 11);
    expect(take(drawn.derive(4))).toEqual(take(rng(3, 'x', 4)));
  });

  it('stays within its bounds', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.double({ min: -1e6, max: 1e6 }),
        fc.double({ min: 1e-9, max: 1e6 }),
        (s, lo, w) => {
          fc.pre(Number.isFinite(lo + w) && lo + w > lo);
          const u = rng(s).uniform(lo, lo + w);
          expect(u >= lo && u < lo + w).toBe(true);
        },
      ),
    );
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 2 ** 32 }), (s, n) => {
        const i = rng(s).int(n);
        expect(Number.isInteger(i) && i >= 0 && i < n).toBe(true);
      }),
    );
  });

  it('draws integers evenly', () => {
    const r = rng(11, 'even');
    const counts = new Float64Array(7);
    for (let i = 0; i < 70_000; i++) counts[r.int(7)]!++;
    const chi2 = counts.reduce((sum, c) => sum + (c - 10_000) ** 2 / 10_000, 0);
    expect(chi2).toBeLessThan(22.5); // 6 degrees of freedom, p = 0.001
    // 3·2^30 makes plain `% n` put half of all draws into the lowest third.
    let low = 0;
    for (let i = 0; i < 30_000; i++) if (r.int(3 * 2 ** 30) < 2 ** 30) low++;
    expect(Math.abs(low - 10_000)).toBeLessThan(330);
  });

  it('draws normals with the right moments', () => {
    const r = rng(12, 'normal');
    const n = 200_000;
    const sums = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const z = (r.normal(3, 0.5) - 3) / 0.5;
      for (let k = 0; k < 4; k++) sums[k]! += z ** (k + 1);
    }
    const [mean, variance, third, fourth] = sums.map((s) => s / n) as [number, number, number, number];
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(Math.abs(variance - 1)).toBeLessThan(0.015);
    expect(Math.abs(third)).toBeLessThan(0.04);
    expect(Math.abs(fourth - 3)).toBeLessThan(0.12);
  });

  it('permutes: every index once, every order as likely', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 300 }), (s, n) => {
        expect([...rng(s).permutation(n)].sort((a, b) => a - b)).toEqual([...Array(n).keys()]);
      }),
    );
    const seen = new Map<string, number>();
    const r = rng(13);
    for (let i = 0; i < 24_000; i++) {
      const order = r.permutation(4).join();
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    expect(seen.size).toBe(24);
    for (const count of seen.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('refuses bad arguments by their rule', () => {
    expect(() => rng(1.5)).toThrow('a random key must be a safe integer, got 1.5');
    expect(() => rng(0, Number.NaN)).toThrow('got NaN');
    expect(() => rng(0).int(0)).toThrow('int(n) needs an integer n in [1, 2^32], got 0');
    expect(() => rng(0).int(2 ** 33)).toThrow(RangeError);
  });
});
