import { describe, expect, it } from 'vitest';
import { fc } from '../../../tests/support/random.ts';
import type { Dataset } from './dataset.ts';
import { labelledShare } from './labelled-share.ts';

function labelled(labels: number[], classes = 4): Dataset {
  return {
    name: 'pictures',
    length: labels.length,
    contentKey: 'k',
    classes: Array.from({ length: classes }, (_, i) => `class ${i}`),
    labels: Int32Array.from(labels),
    id: (i) => `${i}`,
    image: () => ({ width: 1, height: 1, channels: 1, data: Uint8Array.of(0) }),
  };
}

const ids = (data: Dataset) => Array.from({ length: data.length }, (_, i) => data.id(i));
const labels = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 200 });

describe('labelledShare', () => {
  it('takes the share of every class, at least one image, nested, in order', () => {
    fc.assert(
      fc.property(labels, fc.nat(), (all, seed) => {
        const data = labelled(all);
        const few = labelledShare(data, 0.01, seed);
        const some = labelledShare(data, 0.1, seed);
        for (const [part, share] of [
          [few, 0.01],
          [some, 0.1],
        ] as const) {
          for (let label = 0; label < 4; label++) {
            const have = all.filter((l) => l === label).length;
            const expected = have === 0 ? 0 : Math.max(1, Math.round(share * have));
            expect([...part.labels!].filter((l) => l === label)).toHaveLength(expected);
          }
          const order = ids(part).map(Number);
          expect(order).toEqual([...order].sort((a, b) => a - b));
          expect(order.map((i) => all[i])).toEqual([...part.labels!]);
        }
        expect(ids(some)).toEqual(expect.arrayContaining(ids(few)));
        expect(ids(labelledShare(data, 0.1, seed))).toEqual(ids(some));
        expect(ids(labelledShare(data, 1, seed))).toEqual(ids(data));
      }),
    );
  });

  it('chooses others for another seed', () => {
    const data = labelled(Array.from({ length: 400 }, (_, i) => i % 4));
    expect(ids(labelledShare(data, 0.1, 1))).not.toEqual(ids(labelledShare(data, 0.1, 2)));
    expect(labelledShare(data, 0.01, 1).name).toBe('pictures (1 % of the labels)');
  });

  it('says what it needs', () => {
    expect(() => labelledShare(labelled([0]), 0, 1)).toThrow('share of the labels must lie in (0, 1], got 0');
    const { labels: _, ...unlabelled } = labelled([0, 1]);
    expect(() => labelledShare(unlabelled, 0.1, 1)).toThrow("needs a data set with classes, got 'pictures'");
  });
});
