import { expect, it } from 'vitest';
import { learned } from './learned.ts';

const images = { train: 10_000, test: 2_000 };
const before = {
  ...{ features: 0.264, random: 0.264, pixels: 0.384, ...images },
  linear: { features: 0.3, random: 0.3, pixels: 0.408 },
};

it('shows kNN and linear probe beside raw pixels and random weights, and says what they mean', () => {
  const text = learned({ features: 0.349, ...images, linear: { features: 0.465 } }, before);
  expect(text.split('\n').slice(0, 4)).toEqual([
    'top-1                        kNN     linear',
    'raw pixels                   38.4 %  40.8 %',
    'features of random weights   26.4 %  30.0 %',
    'features after pre-training  34.9 %  46.5 %',
  ]);
  expect(text.split('\n').slice(-2)).toEqual([
    'kNN: 3.5 points below raw pixels, 8.5 points above random weights. Something was learned; to beat raw pixels at this takes a longer run.',
    'linear: 5.7 points above raw pixels, 16.5 points above random weights. Something was learned that neither the pixels nor an untrained encoder give.',
  ]);
  expect(text).toContain('judged on 2,000 other images: a difference below 3.2 points may be chance.');
});

it('takes what chance may give for nothing', () => {
  const text = learned({ features: 0.28, ...images, linear: { features: 0.43 } }, before);
  expect(text).toContain('1.6 points above random weights. Nothing that was learned shows here.');
  expect(text).toContain(
    'linear: 2.2 points above raw pixels, 13.0 points above random weights. Something was learned; to',
  );
});

it('says what there is to say of runs without a linear probe, and without a report of their start', () => {
  const { linear: _, ...old } = before;
  const text = learned({ features: 0.45, ...images }, old);
  expect(text).not.toContain('linear');
  expect(text).toContain('features after pre-training  45.0 %');
  expect(learned({ features: 0.45, ...images }, undefined)).not.toMatch(/raw|random/);
  // The start was judged by an earlier version.
  const mixed = learned({ features: 0.45, ...images, linear: { features: 0.5 } }, old);
  expect(mixed).toContain('raw pixels                   38.4 %  –');
});

it('shows the intervals of few images, and that each was judged by all others', () => {
  const few = { k: 10, train: 17, test: 18, leaveOneOut: true } as const;
  const text = learned({ features: 0.5, ...few }, { features: 0.25, random: 0.25, pixels: 1, ...few });
  expect(text).toContain('features after pre-training  50 % (29–71 %)');
  expect(text).toContain('the class of the 10 most similar of 17 images');
  expect(text).toContain(
    'each of 18 images is judged by all others: a difference below 33.3 points may be chance.',
  );
  expect(text).toContain('judged on 18 images only');
  expect(text).not.toContain('linear');
});
