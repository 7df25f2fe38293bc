import { describe, expect, it } from 'vitest';
import { readFixture } from '../../../tests/support/fixture.ts';
import { withRandom } from '../../../tests/support/random.ts';
import { addImage, emptyConfusion, segmentationScores } from './confusion.ts';
import { type Planes, segmentImage } from './segment-image.ts';
import { windowsOver } from './windows.ts';

// Written by tests/oracle/make_segmentation_fixture.py with PyTorch and NumPy.
const { float, ints, shape, metadata } = await readFixture('segmentation');

interface Expected {
  classes: number;
  mIoU: number;
  mAcc: number;
  aAcc: number;
  iou: (number | null)[];
  acc: (number | null)[];
}

describe('scores', () => {
  it.each((metadata('scores') as Expected[]).map((expected, i) => [i, expected] as const))(
    "are NumPy's: case %i",
    (i, expected) => {
      const confusion = emptyConfusion(expected.classes);
      const [images, pixels] = shape(`scores.${i}.truth`) as [number, number];
      for (let n = 0; n < images; n++) {
        const of = (name: string) => ints(`scores.${i}.${name}`).subarray(n * pixels, (n + 1) * pixels);
        addImage(confusion, of('truth'), of('predicted'));
      }
      const scores = segmentationScores(confusion);
      for (const name of ['mIoU', 'mAcc', 'aAcc'] as const)
        expect(scores[name]).toBeCloseTo(expected[name], 12);
      for (const name of ['iou', 'acc'] as const)
        for (const [k, value] of expected[name].entries())
          if (value === null) expect(scores[name][k]).toBeNaN();
          else expect(scores[name][k]).toBeCloseTo(value, 12);
    },
  );

  it('of a correct prediction are 1, for any prediction where the truth is ignored', () => {
    withRandom(20, (random) => {
      const truth = Uint8Array.from({ length: 50 }, () => [0, 1, 3, 255][random.int(4)]!);
      const confusion = emptyConfusion(4);
      addImage(
        confusion,
        truth,
        truth.map((t) => (t === 255 ? random.int(4) : t)),
      );
      const { mIoU, mAcc, aAcc, iou } = segmentationScores(confusion);
      if (truth.some((t) => t !== 255)) expect([mIoU, mAcc, aAcc]).toEqual([1, 1, 1]);
      expect(iou[2]).toBeNaN();
    });
  });

  it('reject a class out of range, and a wrong number of pixels', () => {
    expect(() => addImage(emptyConfusion(2), [0, 2], [0, 0])).toThrow(
      'a class must lie in [0, 2), got 2 (truth)',
    );
    expect(() => addImage(emptyConfusion(2), [0], [0, 0])).toThrow(
      'truth and prediction must have the same 1 pixel',
    );
  });
});

interface Slide {
  window: [number, number];
  stride: [number, number];
  flip: boolean;
  size: [number, number];
  scales: number;
}

const PATCH = 4;

/** The fixture's model: means of 4 × 4 pixels times a matrix. */
function model(weight: Float32Array, classes: number) {
  return ({ channels, height, width, data }: Planes) => {
    const [rows, columns] = [height / PATCH, width / PATCH];
    const out = new Float32Array(rows * columns * classes);
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++)
        for (let k = 0; k < classes; k++) {
          let sum = 0;
          for (let ch = 0; ch < channels; ch++)
            for (let v = 0; v < PATCH; v++)
              for (let u = 0; u < PATCH; u++)
                sum +=
                  weight[k * channels + ch]! * data[(ch * height + r * PATCH + v) * width + c * PATCH + u]!;
          out[(r * columns + c) * classes + k] = sum / PATCH ** 2;
        }
    return { rows, columns, channels: classes, data: out };
  };
}

describe('sliding windows', () => {
  it.each((metadata('slide') as Slide[]).map((slide, i) => [i, slide] as const))(
    "label every pixel as PyTorch's whole arrays do: case %i",
    async (i, { window, stride, flip, size, scales }) => {
      const weight = float(`slide.${i}.weight`);
      const images = Array.from({ length: scales }, (_, s): Planes => {
        const [channels, height, width] = shape(`slide.${i}.image.${s}`) as [number, number, number];
        return { channels, height, width, data: float(`slide.${i}.image.${s}`) };
      });
      let most = 0;
      const logits = (tiles: readonly Planes[]) => {
        most = Math.max(most, tiles.length);
        return tiles.map(model(weight, 6));
      };
      const labels = await segmentImage(images, size, logits, {
        classes: 6,
        window,
        stride,
        flip,
        atOnce: 3,
      });
      const [expected, sure] = [ints(`slide.${i}.labels`), ints(`slide.${i}.sure`)];
      expect(labels.length).toBe(expected.length);
      const wrong = expected.filter((label, at) => sure[at] === 1 && labels[at] !== label).length;
      expect(wrong).toBe(0);
      expect(sure.filter((x) => x === 1).length).toBeGreaterThan(0.99 * sure.length);
      expect(most).toBeLessThanOrEqual(3);
    },
  );

  it('cover every pixel and lie in the image', () => {
    withRandom(200, (random) => {
      const side = () => 1 + random.int(40);
      const [image, window] = [[side(), side()] as const, [side(), side()] as const];
      const stride = window.map((w) => 1 + random.int(w)) as [number, number];
      const seen = new Set<number>();
      for (const { y, x } of windowsOver(image, window, stride)) {
        expect(y === 0 || y + window[0] <= image[0]).toBe(true);
        expect(x === 0 || x + window[1] <= image[1]).toBe(true);
        for (let v = y; v < Math.min(y + window[0], image[0]); v++)
          for (let u = x; u < Math.min(x + window[1], image[1]); u++) seen.add(v * image[1] + u);
      }
      expect(seen.size).toBe(image[0] * image[1]);
    });
    expect(() => windowsOver([9, 9], [4, 4], [5, 4])).toThrow('strides must be whole numbers from 1');
  });

  it('allocate no array of classes × pixels', async () => {
    const [classes, side] = [150, 1024];
    const before = process.memoryUsage().arrayBuffers;
    let peak = 0;
    const logits = (tiles: readonly Planes[]) => {
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
      return tiles.map(() => ({ rows: 1, columns: 1, channels: classes, data: new Float32Array(classes) }));
    };
    const image = { channels: 1, height: side, width: side, data: new Float32Array(side * side) };
    const sizes = { classes, window: [512, 512], stride: [512, 512] } as const;
    const labels = await segmentImage([image], [64, side], logits, sizes);
    peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    expect(labels.length).toBe(64 * side);
    expect(peak).toBeLessThan(8 * 4 * side * side); // of 8 · 150 · side²
  });

  it('reject logits with a wrong number of classes', async () => {
    const image = { channels: 1, height: 4, width: 4, data: new Float32Array(16) };
    const wrong = () => [{ rows: 1, columns: 1, channels: 3, data: new Float32Array(3) }];
    await expect(segmentImage([image], [4, 4], wrong, { classes: 2, window: [4, 4] })).rejects.toThrow(
      'logits must be maps of 2 classes, got [1, 1, 3]',
    );
  });
});
