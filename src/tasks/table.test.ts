import { describe, expect, it } from 'vitest';
import { evaluate } from '../../tests/support/evaluate.ts';
import { normals, withRandom } from '../../tests/support/random.ts';
import { gather, input, sizeOf, type Tensor } from '../graph/index.ts';
import { patchCount, type Size } from '../image/size.ts';
import type { Prediction } from '../models/decoders/decoder.ts';
import { type Masking, maskTokens } from '../nn/masking.ts';
import { targetOf } from '../nn/targets/table.ts';
import { type Rng, rng } from '../random/rng.ts';
import { drawBatch, drawInputs } from './draws.ts';
import { task, taskNames, tasks } from './table.ts';
import type { TaskContext } from './task.ts';

const sizes: [Size, number][] = [
  [[24, 40], 8],
  [[16, 16], 4],
  [[42, 28], 14],
];

const contextOf = (image: Size, patch: number, name = 'masked'): TaskContext => ({
  image,
  patch,
  channels: 3,
  target: task(name).defaults?.target ?? 'channel',
  mean: [0.48, 0.45, 0.4],
  std: [0.22, 0.23, 0.25],
});

/** A prediction of these patches [B, N, P]. */
const predictionOf = (all: Tensor, masking: Masking | undefined): Prediction => ({
  all,
  removed: masking && { values: gather(all, masking.removed), tokens: masking.removed },
});

/** A task's inputs for a batch, and values for them. */
function batchOf(name: string, context: TaskContext, random: Rng, batch: number) {
  const view = input('view', [batch, 3, ...task(name).view(context.image)]);
  const patches = patchCount(context);
  const patchValues = input('prediction', [batch, patches, 3 * context.patch ** 2]);
  const draws = drawInputs(task(name), context, batch);
  const masking = draws.order && maskTokens(draws.order, Math.ceil(patches / 4));
  const prediction = predictionOf(patchValues, masking);
  const streams = Array.from({ length: batch }, (_, i) => random.derive('draws', i));
  const values = {
    view: normals(random, sizeOf(view.shape)),
    prediction: normals(random, sizeOf(patchValues.shape)),
    ...drawBatch(task(name), context, streams),
  };
  return { view, prediction, draws, masking, values };
}

describe.each(taskNames)('%s', (name) => {
  it.each(sizes)('has losses and a degraded image of %j in patches of %i', (image, patch) => {
    const context = contextOf(image, patch, name);
    withRandom(1, (random) => {
      const { values, ...inputs } = batchOf(name, context, random, 2);
      const degraded = task(name).degrade(inputs.view, inputs.draws, context);
      expect(degraded.shape).toEqual([2, 3, ...image]);
      expect(evaluate(degraded, values).every(Number.isFinite)).toBe(true);
      expect(task(name).clean(inputs.view, context, inputs.draws).shape).toEqual([2, 3, ...image]);
      const { losses, parts } = task(name).loss(inputs, context);
      for (const tensor of [losses, ...Object.values(parts)]) {
        expect(tensor.shape).toEqual([2]);
        expect(evaluate(tensor, values).every((loss) => loss > 0 && loss < 100)).toBe(true);
      }
    });
  });

  it('draws what it declares, the same from one seed and something else from another', () => {
    const context = contextOf([24, 40], 8, name);
    withRandom(5, (random) => {
      const seed = random.uint32();
      const drawn = task(name).draw(rng(seed), context);
      const specs = task(name).draws(context);
      expect(Object.keys(drawn).sort()).toEqual(Object.keys(specs).sort());
      for (const [key, { shape, dtype }] of Object.entries(specs)) {
        expect(drawn[key]).toHaveLength(sizeOf(shape));
        expect(drawn[key]).toBeInstanceOf(dtype === 'i32' ? Int32Array : Float32Array);
      }
      expect(task(name).draw(rng(seed), context)).toEqual(drawn);
      const others = Array.from({ length: 20 }, (_, i) => task(name).draw(rng(seed, i), context));
      for (const key of Object.keys(specs))
        expect(others.some((other) => String(other[key]) !== String(drawn[key]))).toBe(true);
    });
  });

  it('judges each image by itself', () => {
    const context = contextOf([16, 16], 4, name);
    withRandom(2, (random) => {
      const { values, ...inputs } = batchOf(name, context, random, 3);
      const together = evaluate(task(name).loss(inputs, context).losses, values);
      const alone = batchOf(name, context, random, 1);
      const { losses } = task(name).loss(alone, context);
      const part = (data: Float32Array | Int32Array, i: number) => {
        const size = data.length / 3;
        return data.slice(i * size, (i + 1) * size);
      };
      for (let i = 0; i < 3; i++) {
        const own = Object.entries(values).map(([key, data]) => [key, part(data as Float32Array, i)]);
        expect(evaluate(losses, Object.fromEntries(own))[0]).toBeCloseTo(together[i]!, 10);
      }
    });
  });

  it('has nothing to object to a perfect prediction', () => {
    const context = contextOf([24, 40], 8, name);
    withRandom(2, (random) => {
      const { values, prediction: _, ...inputs } = batchOf(name, context, random, 2);
      const clean = task(name).clean(inputs.view, context, inputs.draws);
      const perfectly = targetOf(context.target).of(clean, context);
      const prediction = predictionOf(perfectly, inputs.masking);
      const { losses, parts } = task(name).loss({ ...inputs, prediction }, context);
      // The centre of a zoomed view is compared with its full resolution, which no prediction has.
      const perfect = parts.edge ?? losses;
      // A distance in the spectrum is √(0 + 1e-12) at least, at up to twice as many frequencies as are usual.
      const most = task(name).judges === 'spectrum' ? 2e-6 : 1e-12;
      expect(Math.max(...evaluate(perfect, values))).toBeLessThanOrEqual(most);
    });
  });
});

const withBase = taskNames.filter((name) => taskNames.includes(name.replace('masked+', '')));

describe.each(withBase.filter((name) => name.startsWith('masked+')))('%s', (name) => {
  const base = name.replace('masked+', '');

  it(`degrades as ${base} does, whose draws it keeps, and removes tokens as masked does`, () => {
    const context = contextOf([24, 40], 8, name);
    withRandom(2, (random) => {
      const seed = random.uint32();
      const { order, ...rest } = task(name).draw(rng(seed), context);
      expect(order!.toSorted()).toEqual(Int32Array.from({ length: 15 }, (_, i) => i));
      expect(rest).toEqual(task(base).draw(rng(seed), context));
      expect(order).toEqual(task('masked').draw(rng(seed), context).order);
      const { view, draws, values } = batchOf(name, context, random, 2);
      const degraded = (key: string) => evaluate(task(key).degrade(view, draws, context), values);
      expect(degraded(name)).toEqual(degraded(base));
    });
  });
});

describe('the table of tasks', () => {
  it('has every task once, with its name', () => {
    expect(new Set(taskNames).size).toBe(tasks.length);
    for (const name of taskNames) expect(task(name).name).toBe(name);
    expect(taskNames).toEqual(
      expect.arrayContaining(['masked', 'zoomed-in', 'masked+zoomed-in', 'masked+super-resolution']),
    );
    expect(taskNames).not.toContain('plain');
  });

  it('names the nearest for an unknown one', () => {
    expect(() => task('zoomedin')).toThrow(/^a task must be one of masked, .*got "zoomedin".*"zoomed-in"/);
  });
});
