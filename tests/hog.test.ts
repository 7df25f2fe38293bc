import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../src/engines/engine.ts';
import { cast, input, program, type Tensor, type TensorData } from '../src/graph/index.ts';
import { fromPicture } from '../src/nn/normalise.ts';
import { hog } from '../src/nn/targets/hog.ts';
import { rng } from '../src/random/rng.ts';
import { crossZoom } from '../src/tasks/cross-zoom.ts';
import { drawBatch, drawInputs } from '../src/tasks/draws.ts';
import { imagenet } from './support/degrade.ts';
import { engines } from './support/engines.ts';
import { readFixture } from './support/fixture.ts';
import { isMissing } from './support/libraries.ts';
import { seed } from './support/random.ts';
import { relativeError } from './support/task-fixture.ts';

const { ints, float, shape, metadata } = await readFixture('hog');
const patches = metadata('patch') as number[];

// Bytes have many gradients along an axis exactly, where bins meet. Rounding must not say which one takes them.
for (const [name, open, needs] of engines)
  describe.skipIf(needs.some(isMissing))(`histograms of bytes on ${name}`, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await open();
    });

    const histograms = async (y: Tensor, values: Record<string, TensorData>) => {
      const session = await engine.open({});
      try {
        return (await session.run(program('hog', { y }), values)).y!;
      } finally {
        await session.dispose();
      }
    };

    it.each(patches.map((patch, i) => [i, patch]))(
      'equal those of whole numbers: %i, patch %i',
      async (i, patch) => {
        const [batch, channels, height, width] = shape(`${i}.image`) as [number, number, number, number];
        const statistics = { mean: imagenet.mean.slice(0, channels), std: imagenet.std.slice(0, channels) };
        const image = fromPicture(
          cast(input('bytes', [batch, channels, height, width], 'u8'), 'f32'),
          statistics,
          1 / 255,
        );
        const y = hog.of(image, { image: [height, width], patch, channels, ...statistics });
        const bytes = Uint8Array.from(ints(`${i}.image`));
        const difference = relativeError(await histograms(y, { bytes }), float(`${i}.target`));
        expect(difference).toBeLessThan(1e-5);
      },
    );

    it('are 0 of a flat picture that was cropped and resized', async () => {
      const context = { image: [16, 24], patch: 8, channels: 3, target: 'hog', ...imagenet } as const;
      const random = rng(seed, name);
      const size = crossZoom.view(context.image);
      const colours = Array.from({ length: 3 }, () => random.normal());
      const view = Float32Array.from({ length: 3 * size[0] * size[1] }, (_, i) => {
        return colours[Math.floor(i / (size[0] * size[1]))]!;
      });
      const crop = crossZoom.clean(
        input('view', [1, 3, ...size]),
        context,
        drawInputs(crossZoom, context, 1),
      );
      const y = await histograms(hog.of(crop, context), {
        view,
        ...drawBatch(crossZoom, context, [random]),
      });
      expect(
        y.every((value) => value === 0),
        `seed ${seed}`,
      ).toBe(true);
    });
  });
