import sharp from 'sharp';
import { expect, it } from 'vitest';
import { seed } from '../../tests/support/random.ts';
import { rng } from '../random/rng.ts';
import { fromPng, type RgbImage } from './rgb-image.ts';
import { colourLabels, overlayLabels, renderSegmentation } from './segmentation.ts';

const [width, height] = [150, 140];
const random = rng(seed);
const image: RgbImage = {
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, () => random.int(256)),
};
const colours = [
  [0, 0, 0],
  [128, 0, 0],
  [0, 128, 0],
] as const;
const labels = Uint8Array.from({ length: width * height }, (_, i) =>
  i % width < 50 ? 1 : i % width < 140 ? 2 : 255,
);

it('labels have the colours of their classes, and lie over the picture by their share', () => {
  const { data } = colourLabels(labels, image, colours);
  expect([
    ...data.slice(0, 3),
    ...data.slice(3 * 60, 3 * 60 + 3),
    ...data.slice(3 * 145, 3 * 145 + 3),
  ]).toEqual([...[128, 0, 0, 0, 128, 0], ...[224, 224, 192]]);
  const over = overlayLabels(image, labels, colours, 0.25).data;
  for (const [i, value] of over.entries()) {
    const expected = 0.25 * data[i]! + 0.75 * image.data[i]!;
    expect(Math.abs(value - expected), `seed ${seed}`).toBeLessThanOrEqual(0.5);
  }
});

it('a page shows pictures, truths, predictions, overlays and the classes that occur', async () => {
  const picture = { image, truth: labels, predicted: labels.map((x) => (x === 255 ? 0 : x)) };
  const classes = ['ground', 'a', 'b'];
  const png = await renderSegmentation({
    pictures: [picture, { ...picture, truth: undefined }],
    classes,
    colours,
  });
  const page = await fromPng(png);
  const count = (colour: readonly number[]) => {
    let pixels = 0;
    for (let i = 0; i < page.data.length; i += 3)
      if (colour.every((value, c) => page.data[i + c] === value)) pixels++;
    return pixels;
  };
  // Class a fills 50 columns of a truth and two predictions, and its square in the legend.
  expect(count([128, 0, 0])).toBeGreaterThanOrEqual(3 * 50 * height + 100);
  expect(count([128, 0, 0])).toBeLessThan(3 * 50 * height + 200);
  expect(count([224, 224, 192])).toBeGreaterThanOrEqual(10 * height + 100);
  const bare = await fromPng(
    await renderSegmentation({ pictures: [{ image, predicted: labels }], classes, colours }),
  );
  expect(bare.width).toBeLessThan(page.width);
  expect((await sharp(png).metadata()).format).toBe('png');
});

it('refuses labels of another size and classes without a colour', async () => {
  const predicted = labels.slice(1);
  await expect(
    renderSegmentation({ pictures: [{ image, predicted }], classes: ['a'], colours }),
  ).rejects.toThrow('labels must have 140x150 values');
  const classes = ['a', 'b', 'c', 'd'];
  await expect(
    renderSegmentation({ pictures: [{ image, predicted: labels }], classes, colours }),
  ).rejects.toThrow('there must be a colour for each of the 4 classes, got 3');
});
