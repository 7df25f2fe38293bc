import { expect, it } from 'vitest';
import { relabel } from '../../evaluate/labelled-images.ts';
import { type Dataset, split, subset } from './dataset.ts';
import { labelledShare } from './labelled-share.ts';

/** Images that are known by their numbers, with every annotation. */
const length = 20;
const all: Dataset = {
  name: 'annotated',
  length,
  contentKey: 'annotated',
  id: (i) => `${i}`,
  image: (i) => ({ width: 1, height: 1, channels: 1, data: Uint8Array.of(i) }),
  classes: ['even', 'odd'],
  labels: Int32Array.from({ length }, (_, i) => i % 2),
  masks: { classes: ['sky', 'sea'], ignore: 255, source: (i) => ({ kind: 'file', file: `${i}.png` }) },
  boxes: {
    classes: ['boat'],
    classIds: [9],
    imageId: (i) => `id ${i}`,
    of: (i, [height, width]) => [{ box: [0, i, width, height], class: 0, crowd: i > 10 }],
  },
};

function expectAnnotations(part: Dataset) {
  expect(part.length).toBeGreaterThan(0);
  expect(part.masks).toMatchObject({ classes: ['sky', 'sea'], ignore: 255 });
  expect(part.boxes?.classes).toEqual(['boat']);
  for (let i = 0; i < part.length; i++) {
    const n = Number(part.id(i));
    expect(part.classes?.[part.labels![i]!]).toBe(n % 2 ? 'odd' : 'even');
    expect(part.masks?.source(i)).toEqual({ kind: 'file', file: `${n}.png` });
    expect(part.boxes?.of(i, [50, 60])).toEqual([{ box: [0, n, 60, 50], class: 0, crowd: n > 10 }]);
    expect(part.boxes?.imageId?.(i)).toBe(`id ${n}`);
  }
}

it.each([
  ['a subset, with repeats', () => subset(all, [7, 3, 3, 19])],
  ['a subset of a subset', () => subset(subset(all, [9, 5, 1, 0]), [2, 0])],
  ['the training part', () => split(all, 0.3).train],
  ['the held-out part', () => split(all, 0.3).heldOut],
  ['a share of the labels', () => labelledShare(all, 0.2, 5)],
  ['labels counted otherwise', () => relabel(subset(all, [4, 11]), ['odd', 'none', 'even'])],
])('%s keeps every annotation of its images', (_, derive) => expectAnnotations(derive()));

it('a data set without annotations gets none', () => {
  const { labels: _, classes: __, masks: ___, boxes: ____, ...plain } = all;
  const part = subset(plain, [1]);
  for (const name of ['labels', 'classes', 'masks', 'boxes']) expect(part).not.toHaveProperty(name);
});
