import { describe, expect, it } from 'vitest';
import { withRandom } from '../../tests/support/random.ts';
import { initialise } from './init.ts';
import { type Init, parameter } from './parameters.ts';

const draw = (init: Init, size: number, seed: number, name = 'w') =>
  initialise([parameter(name, [size], init)], seed)[name]!;
const moment = (values: Float32Array, power: number) =>
  values.reduce((sum, x) => sum + x ** power, 0) / values.length;
const extreme = (values: Float32Array) => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

describe('initialise', () => {
  it('draws normal numbers cut at one standard deviation', () => {
    withRandom(3, (random) => {
      const values = draw({ kind: 'truncatedNormal' }, 200_000, random.uint32());
      expect(extreme(values)).toBeLessThanOrEqual(Math.fround(0.02));
      // Standard normal truncated at ±1: variance 1 − 2φ(1)/(2Φ(1) − 1), fourth moment 3·variance − 2φ(1)/(…).
      const ends = 0.4839414490382867 / 0.6826894921370859;
      expect(Math.abs(moment(values, 1) / 0.02)).toBeLessThan(0.007);
      expect(Math.abs(moment(values, 2) / 0.02 ** 2 - (1 - ends))).toBeLessThan(0.005);
      expect(Math.abs(moment(values, 4) / 0.02 ** 4 - (3 * (1 - ends) - ends))).toBeLessThan(0.005);
      // Φ(½) − Φ(−½) over Φ(1) − Φ(−1)
      const inner = values.reduce((count, x) => count + (Math.abs(x) < 0.01 ? 1 : 0), 0) / values.length;
      expect(Math.abs(inner - 0.3829249225480262 / 0.6826894921370859)).toBeLessThan(0.006);
    });
  });

  it('draws uniform numbers', () => {
    withRandom(3, (random) => {
      const bound = random.uniform(0.1, 2);
      const values = draw({ kind: 'uniform', bound }, 100_000, random.uint32());
      expect(extreme(values)).toBeLessThanOrEqual(Math.fround(bound));
      expect(extreme(values)).toBeGreaterThan(0.999 * bound);
      expect(Math.abs(moment(values, 1) / bound)).toBeLessThan(0.01);
      expect(Math.abs(moment(values, 2) / bound ** 2 - 1 / 3)).toBeLessThan(0.006);
    });
  });

  it('fills zeros, ones and tables', () => {
    expect([...draw({ kind: 'zeros' }, 2, 0)]).toEqual([0, 0]);
    expect([...draw({ kind: 'ones' }, 2, 0)]).toEqual([1, 1]);
    expect([...draw({ kind: 'table', values: () => Float32Array.of(2, 3) }, 2, 0)]).toEqual([2, 3]);
  });

  it('depends on the seed and the name alone', () => {
    const specs = ['a', 'b', 'c'].map((name) => parameter(name, [7], { kind: 'truncatedNormal' }));
    const all = initialise(specs, 3);
    expect(initialise(specs.toReversed().slice(0, 2), 3)).toEqual({ c: all.c, b: all.b });
    expect(all.a).not.toEqual(all.b);
    expect(initialise(specs, 4).a).not.toEqual(all.a);
  });
});
