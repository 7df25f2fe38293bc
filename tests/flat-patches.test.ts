import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../src/engines/engine.ts';
import { referenceEngine } from '../src/engines/reference/engine.ts';
import { input, program } from '../src/graph/index.ts';
import type { Size } from '../src/image/size.ts';
import { areaResize } from '../src/nn/area.ts';
import { patchTarget } from '../src/nn/targets/pixels.ts';
import { evaluateTask } from '../src/programs/evaluate-task.ts';
import { type Rng, rng } from '../src/random/rng.ts';
import { drawBatch } from '../src/tasks/draws.ts';
import { modelFor } from '../src/tasks/fit.ts';
import { task } from '../src/tasks/table.ts';
import { engines } from './support/engines.ts';
import { isMissing } from './support/libraries.ts';
import { seed } from './support/random.ts';
import { relativeError } from './support/task-fixture.ts';
import { randomWeights, tiny } from './support/tiny.ts';

const channels = 3;
const mean = [0.485, 0.456, 0.406];
const std = [0.229, 0.224, 0.225];

/** 8-bit levels as normalised pixels, [C, H, W]. */
function normalised(levels: ArrayLike<number>, pixels: number): Float32Array {
  return Float32Array.from(
    levels,
    (level, i) => (level / 255 - mean[Math.floor(i / pixels)]!) / std[Math.floor(i / pixels)]!,
  );
}

/** A picture whose left half has one colour, as saturated skies and margins of pages do; the rest is noise. */
function halfFlat(random: Rng, [height, width]: Size): Float32Array {
  const colours = Array.from({ length: channels }, () => (random.int(2) ? 255 : random.int(256)));
  const levels = Array.from({ length: channels * height * width }, (_, i) =>
    i % width < width / 2 ? colours[Math.floor(i / (height * width))]! : random.int(256),
  );
  return normalised(levels, height * width);
}

for (const [name, open, needs] of engines)
  describe.skipIf(needs.some(isMissing))(`flat patches on ${name}`, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await open();
    });

    const targetOf = async (image: Float32Array, size: Size, patch: number, resized: Size = size) => {
      const context = { image: resized, patch, channels, mean, std };
      const picture = areaResize(input('image', [1, channels, ...size]), resized);
      const session = await engine.open({});
      try {
        return (
          await session.run(program('target', { y: patchTarget(picture, 'channel', context).values }), {
            image,
          })
        ).y!;
      } finally {
        await session.dispose();
      }
    };

    it.each([
      [16, [16, 16], [16, 16]],
      [32, [32, 32], [32, 32]],
      [8, [40, 40], [32, 32]],
      [8, [24, 24], [32, 32]],
      [14, [54, 54], [42, 42]],
    ] as const)('have targets of exactly 0, patch %i, %j resized to %j', async (patch, size, resized) => {
      const random = rng(seed, name, patch);
      for (let i = 0; i < 4; i++) {
        const colour = Array.from({ length: channels }, () => random.int(256));
        const pixels = size[0] * size[1];
        const levels = Array.from({ length: channels * pixels }, (_, j) => colour[Math.floor(j / pixels)]!);
        const values = await targetOf(normalised(levels, pixels), size, patch, resized);
        expect(
          values.every((value) => value === 0),
          `seed ${seed}, colour ${colour}`,
        ).toBe(true);
      }
    });

    it('keep what varies by a single level in a single pixel', async () => {
      const random = rng(seed, name);
      for (let i = 0; i < 4; i++) {
        const [pixels, at, level] = [32 * 32, random.int(32 * 32), random.int(255)];
        const levels = Array.from(
          { length: channels * pixels },
          (_, j) => level + (j % pixels === at ? 1 : 0),
        );
        const values = await targetOf(normalised(levels, pixels), [32, 32], 32);
        // One pixel of n that differs by d: deviations d·(n − 1)/n and −d/n, spread d/√n.
        const spread = 1 / 255 / Math.sqrt(pixels) + 1e-6;
        const expected = Array.from(
          { length: channels * pixels },
          (_, j) => ((j % pixels === at ? 1 : 0) - 1 / pixels) / 255 / spread,
        );
        // Levels themselves are rounded to float32: 1e-7 of one, beside a difference of 1/58 or more.
        expect(relativeError(values, expected), `seed ${seed}`).toBeLessThan(1e-4);
      }
    });
  });

for (const [name, open, needs] of engines.slice(1))
  describe.skipIf(needs.some(isMissing))(`losses of pictures with flat patches on ${name}`, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await open();
    });

    it.each(['masked', 'zoomed-in', 'masked+zoomed-in', 'zoomed-out', 'distorted', 'masked+cross-zoom'])(
      'agree with the reference: %s',
      async (key) => {
        const random = rng(seed, key);
        const pretext = task(key);
        const model = modelFor(pretext, { ...tiny, image: [32, 32] as const, patch: 8 });
        const options = {
          model,
          task: pretext,
          mean,
          std,
          weights: randomWeights(model, random),
          view: halfFlat(random, pretext.view(model.image)),
          draws: drawBatch(pretext, model, [random]),
          gradients: false,
        };
        const got = await evaluateTask({ ...options, engine: engine });
        const expected = await evaluateTask({ ...options, engine: referenceEngine });
        const tolerance = name.endsWith('bf16') ? 1e-2 : 1e-6;
        expect(relativeError([got.loss], [expected.loss]), `seed ${seed}`).toBeLessThan(tolerance);
      },
    );
  });
