import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { imagenet } from '../../tests/support/degrade.ts';
import { seed } from '../../tests/support/random.ts';
import { readTaskFixture, relativeError } from '../../tests/support/task-fixture.ts';
import { randomWeights, tiny } from '../../tests/support/tiny.ts';
import { evaluateProgram } from '../engines/reference/evaluate.ts';
import { constant, program, sizeOf, type Tensor } from '../graph/index.ts';
import { patchCount } from '../image/size.ts';
import { maskTokens, visibleTokens } from '../nn/masking.ts';
import { rng } from '../random/rng.ts';
import { drawBatch, drawName } from '../tasks/draws.ts';
import { modelFor } from '../tasks/fit.ts';
import { task, taskNames } from '../tasks/table.ts';
import { pretrainPrograms } from './pretrain.ts';
import { knownPicture, recoveryErrors } from './recovery.ts';

const expected: Readonly<Record<string, { model: number[]; means: number[] }>> = JSON.parse(
  readFileSync(new URL('../../tests/fixtures/recovery.json', import.meta.url), 'utf8'),
);

/** Values of patches from the order (row, column, channel) to (channel, row, column). */
function channelsFirst(values: Float32Array, channels: number, size: number): Float32Array {
  return values.map((_, i) => {
    const [row, at] = [Math.floor(i / size), i % size];
    const pixels = size / channels;
    return values[row * size + (at % pixels) * channels + Math.floor(at / pixels)]!;
  });
}

describe("errors over unseen pixels are NumPy's", () => {
  it.each(Object.keys(expected))('%s', async (key) => {
    const { options, degraded, prediction } = await readTaskFixture(key);
    const { model, task: pretext, maskRatio, mean, std, view, draws } = options;
    const { image, patch, channels, target } = model;
    const count = patchCount(model);
    const images = (values: ArrayLike<number>, [height, width]: readonly [number, number]) =>
      constant(Float32Array.from(values), [2, channels, height, width]);
    const given: Record<string, Tensor> = {};
    for (const [name, { shape }] of Object.entries(pretext.draws(model)))
      given[name] = constant(draws[drawName(name)]!, [2, ...shape]);
    const mask = pretext.mask && maskTokens(given.order!, visibleTokens(count, maskRatio!)).mask;
    const size = prediction.length / (2 * count);
    const values = channelsFirst(prediction, channels, size);
    const errors = recoveryErrors(
      pretext,
      {
        context: { image, patch, channels, target, mean, std },
        degraded: images(degraded, image),
        mask,
        prediction: constant(values, [2, count, size]),
      },
      images(view, pretext.view(image)),
      given,
    );
    const got = evaluateProgram(program('errors', errors), {});
    expect(relativeError(got['errors:model']!, expected[key]!.model)).toBeLessThan(1e-5);
    expect(relativeError(got['errors:means']!, expected[key]!.means)).toBeLessThan(1e-5);
  });
});

it.each([0.2, 5])(
  `means beyond [0, 1] are moved into it, others stay: spread %s (SEED=${seed})`,
  (spread) => {
    const { image, patch, channels } = tiny;
    const { mean, std } = imagenet;
    const pixels = image[0] * image[1];
    const random = rng(seed, `spread ${spread}`);
    const values = Float32Array.from({ length: channels * pixels }, (_, i) =>
      random.normal(spread * Math.cos(Math.floor((i % pixels) / (patch * image[1]))), 0.01),
    );
    const { statistics } = knownPicture(
      task('blurred'),
      {
        context: { image, patch, channels, target: 'channel', mean, std },
        degraded: constant(values, [1, channels, ...image]),
        mask: undefined,
        prediction: constant(new Float32Array(1), [1]),
      },
      {},
    );
    const { means, drawn } = evaluateProgram(program('known', { ...statistics }), {});
    const shown = (x: ArrayLike<number>) =>
      Array.from(x, (value, i) => value * std[Math.floor(i / pixels)]! + mean[Math.floor(i / pixels)]!);
    /** Means of patches and channels at each pixel. */
    const averaged = (x: readonly number[]) => {
      const patchOf = (i: number) =>
        [
          Math.floor(i / pixels),
          Math.floor((i % pixels) / image[1] / patch),
          Math.floor((i % image[1]) / patch),
        ].join();
      const sums = new Map<string, number>();
      x.forEach((value, i) => {
        sums.set(patchOf(i), (sums.get(patchOf(i)) ?? 0) + value / patch ** 2);
      });
      return x.map((_, i) => sums.get(patchOf(i))!);
    };
    const before = averaged(shown(values));
    const [low, high] = [Math.min(0, ...before), Math.max(1, ...before)];
    expect(high - low > 1).toBe(spread === 5);
    shown(means!).forEach((value, i) => {
      expect(value).toBeCloseTo((before[i]! - low) / (high - low), 5);
    });
    averaged(shown(drawn!)).forEach((value, i) => {
      expect(value).toBeCloseTo((before[i]! - low) / (high - low), 5);
    });
  },
);

describe(`errors of pictures (SEED=${seed})`, () => {
  const example = (name: string, target: string) => {
    const pretext = task(name);
    const model = { ...modelFor(pretext, tiny), target };
    const programs = pretrainPrograms({ model, task: pretext, maskRatio: 0.75, batch: 2, ...imagenet });
    const random = rng(seed, name);
    const view = Uint8Array.from({ length: sizeOf(programs.heldOut.inputs.view!.shape) }, () =>
      random.int(256),
    );
    const draws = drawBatch(pretext, model, [random.derive(0), random.derive(1)]);
    return { model, programs, values: { ...randomWeights(model, random), ...draws, view } };
  };

  it.each(['masked', 'masked+blurred', 'masked+noise'])(
    'are those of the removed patches of the pictures that are drawn: %s',
    (name) => {
      const { model, programs, values } = example(name, 'channel');
      const pictures = evaluateProgram(programs.reconstruct, values);
      const got = evaluateProgram(programs.heldOut, values);
      const [height, width] = model.image;
      const columns = width / model.patch;
      for (const image of [0, 1]) {
        let [sum, count] = [0, 0];
        for (let i = 0; i < 3 * height * width; i++) {
          const [y, x] = [Math.floor(i / width) % height, i % width];
          const token = Math.floor(y / model.patch) * columns + Math.floor(x / model.patch);
          if (pictures.mask![(image * height * width) / model.patch ** 2 + token] === 0) continue;
          const at = (picture: string) =>
            Math.min(1, Math.max(0, pictures[picture]![image * 3 * height * width + i]!));
          sum += (at('reconstruction') - at('original')) ** 2;
          count++;
        }
        expect(got['errors:model']![image]).toBeCloseTo(sum / count, 6);
      }
    },
  );

  it.each(taskNames)('leave the losses as they are: %s', (name) => {
    const { programs, values } = example(name, 'none');
    const { losses } = evaluateProgram(programs.heldOut, values);
    expect(losses).toEqual(evaluateProgram(programs.loss, values).losses);
  });

  it('of means are 0 for a flat picture, and not for noise', () => {
    const { programs, values } = example('masked', 'none');
    const grey = { ...values, view: values.view.map(() => 128) };
    expect(evaluateProgram(programs.heldOut, grey)['errors:means']![0]).toBeCloseTo(0, 5);
    expect(evaluateProgram(programs.heldOut, values)['errors:means']![0]).toBeGreaterThan(0.01);
  });

  it('are not there for a target that cannot be drawn', () => {
    const { programs } = example('masked', 'hog');
    expect(Object.keys(programs.heldOut.outputs)).toEqual(['losses']);
  });
});
