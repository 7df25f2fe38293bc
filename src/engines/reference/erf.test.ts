import { describe, expect, it } from 'vitest';
import { fc } from '../../../tests/support/random.ts';
import { erf } from './erf.ts';

describe('erf', () => {
  // By Python's decimal module with 60 digits, summing the Taylor series.
  it.each([
    [1e-10, 1.1283791670955126e-10],
    [0.25, 0.27632639016823696],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [1.5, 0.9661051464753108],
    [1.984375, 0.9949890660500735],
    [2, 0.9953222650189527],
    [2.015625, 0.9956352772787994],
    [2.5, 0.999593047982555],
    [3, 0.9999779095030014],
    [4.5, 0.9999999998033839],
    [5.75, 0.9999999999999996],
  ])('of %f is %f', (x, expected) => {
    expect(Math.abs(erf(x) / expected - 1)).toBeLessThan(1e-15);
    expect(erf(-x)).toBe(-erf(x));
  });

  it('is 0 at 0, ±1 far out, NaN of NaN', () => {
    expect([0, Infinity, -Infinity, Number.NaN].map(erf)).toEqual([0, 1, -1, Number.NaN]);
  });

  it('grows as the integral of 2/√π · exp(−x²), by Simpson’s rule', () => {
    const density = (x: number) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x);
    fc.assert(
      fc.property(fc.double({ min: -7, max: 7, noNaN: true }), (x) => {
        const h = 1e-3;
        const area = ((density(x) + 4 * density(x + h) + density(x + 2 * h)) * h) / 3;
        expect(Math.abs(erf(x + 2 * h) - erf(x) - area)).toBeLessThan(2e-15);
      }),
    );
  });
});
