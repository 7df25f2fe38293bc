import { describe, expect, it } from 'vitest';
import { fc } from '../../../tests/support/random.ts';
import { type Dataset, split, subset } from './dataset.ts';

function numbers(length: number): Dataset {
  return {
    name: 'numbers',
    length,
    contentKey: `numbers-${length}`,
    classes: ['even', 'odd'],
    labels: Int32Array.from({ length }, (_, i) => i % 2),
    id: (i) => `number ${i}`,
    image: (i) => ({ width: 1, height: 1, channels: 1, data: Uint8Array.of(i) }),
  };
}
const ids = (d: Dataset) => Array.from({ length: d.length }, (_, i) => d.id(i));

describe('subset', () => {
  it('shows the chosen images under new indices', () => {
    const some = subset(numbers(10), [7, 2, 2]);
    expect(ids(some)).toEqual(['number 7', 'number 2', 'number 2']);
    expect([...some.labels!]).toEqual([1, 0, 0]);
    expect(some.image(0)).toMatchObject({ data: Uint8Array.of(7) });
    expect(some.classes).toEqual(['even', 'odd']);
    expect(some.source).toBeUndefined();
  });

  it('has another content key', () => {
    const keys = [[1, 2], [2, 1], [1], [12]].map((chosen) => subset(numbers(20), chosen).contentKey);
    expect(new Set([...keys, numbers(20).contentKey]).size).toBe(5);
    expect(subset(numbers(20), [1, 2]).contentKey).toBe(keys[0]);
  });

  it('says what it needs', () => {
    expect(() => subset(numbers(3), [3])).toThrow('an index must lie in [0, 3), got 3');
  });
});

describe('split', () => {
  it('parts the images, the same way each time', () => {
    const fraction = fc.double({ min: 0.001, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 400 }), fraction, fraction, (n, f, other) => {
        const { train, heldOut } = split(numbers(n), f);
        expect(train.length).toBeGreaterThan(0);
        expect(heldOut.length).toBeGreaterThan(0);
        expect(Math.abs(heldOut.length - f * n)).toBeLessThanOrEqual(1);
        expect([...ids(train), ...ids(heldOut)].sort()).toEqual(ids(numbers(n)).sort());
        const again = split(numbers(n), f);
        expect(again.heldOut.contentKey).toBe(heldOut.contentKey);
        expect(ids(again.heldOut)).toEqual(ids(heldOut));
        const larger = new Set(ids(split(numbers(n), Math.max(f, other)).heldOut));
        for (const id of ids(heldOut)) expect(larger).toContain(id);
      }),
    );
  });

  it('says what it needs', () => {
    expect(() => split(numbers(5), 0)).toThrow('the held-out fraction must lie in (0, 1), got 0');
    expect(() => split(numbers(1), 0.5)).toThrow('images can be held out of two or more, got 1 in ');
  });
});
