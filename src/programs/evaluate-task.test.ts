import { describe, expect, it } from 'vitest';
import { imagenet } from '../../tests/support/degrade.ts';
import { freshSeed, normals } from '../../tests/support/random.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { randomWeights, tiny } from '../../tests/support/tiny.ts';
import { referenceEngine } from '../engines/reference/engine.ts';
import { evaluateProgram } from '../engines/reference/evaluate.ts';
import { grad, input, program } from '../graph/index.ts';
import { autoencoderParameters } from '../models/autoencoder.ts';
import type { AutoencoderConfig } from '../models/config.ts';
import { type Rng, rng } from '../random/rng.ts';
import { drawBatch, drawInputs } from '../tasks/draws.ts';
import { modelFor } from '../tasks/fit.ts';
import { task, taskNames } from '../tasks/table.ts';
import { evaluateTask } from './evaluate-task.ts';
import { lossScalars, weightInputs } from './pretrain.ts';
import { taskGraph } from './task-graph.ts';

/** Everything a task needs for two images, by random. */
function example(name: string, given: AutoencoderConfig, random: Rng) {
  const model = modelFor(task(name), given);
  const [height, width] = task(name).view(model.image);
  return {
    model,
    task: task(name),
    ...imagenet,
    weights: randomWeights(model, random),
    view: normals(random, 2 * model.channels * height * width),
    draws: drawBatch(task(name), model, [random.derive(0), random.derive(1)]),
    engine: referenceEngine,
  };
}

describe('a mask ratio of 0', () => {
  const bases = taskNames.filter((name) => taskNames.includes(`masked+${name}`));
  it.each(bases.map((name) => `masked+${name}`))('makes %s the task alone', async (name) => {
    const seed = freshSeed();
    const options = example(name, tiny, rng(seed));
    const masked = await evaluateTask({ ...options, maskRatio: 0 });
    const alone = await evaluateTask({ ...options, task: task(name.replace('masked+', '')) });
    expect(masked, `seed ${seed}`).toEqual(alone);
  });
});

it('the loss is the mean over images, and the weighted sum of its parts', async () => {
  const seed = freshSeed();
  const got = await evaluateTask(example('masked+zoomed-in', tiny, rng(seed)));
  expect(got.loss, `seed ${seed}`).toBeCloseTo((got.losses[0]! + got.losses[1]!) / 2, 5);
  expect(got.loss, `seed ${seed}`).toBeCloseTo(0.8 * got.parts.centre! + 0.2 * got.parts.edge!, 5);
});

it('an order that removes the same tokens in another sequence changes nothing', async () => {
  const seed = freshSeed();
  const options = example('masked', tiny, rng(seed));
  const order = options.draws['draw:order'] as Int32Array;
  const [first, second] = [order.slice(0, 8), order.slice(8)];
  const reorder = (one: Int32Array) => [one[1]!, one[0]!, ...[...one.slice(2)].reverse()];
  const other = { 'draw:order': Int32Array.from([...reorder(first), ...reorder(second)]) };
  const [a, b] = [await evaluateTask(options), await evaluateTask({ ...options, draws: other })];
  expect(relativeError(a.losses, b.losses), `seed ${seed}`).toBeLessThan(1e-6);
  for (const [name, gradient] of Object.entries(a.gradients))
    expect(relativeError(b.gradients[name]!, gradient), `${name}, seed ${seed}`).toBeLessThan(1e-5);
});

describe('gradients of a whole model equal finite differences', () => {
  const models: [string, AutoencoderConfig][] = [
    ['masked+zoomed-in', tiny],
    ['masked+zoomed-out', { ...tiny, positions: 'learned', classToken: true, target: 'patch' }],
    ['distorted', { ...tiny, positions: 'sincos2d', target: 'none' }],
  ];

  it.each(models)('%s', (name, model) => {
    const seed = freshSeed();
    const random = rng(seed);
    const options = example(name, model, random);
    const specs = autoencoderParameters(model).filter(({ trainable }) => trainable);
    const weights = weightInputs(autoencoderParameters(model));
    const view = input('view', [2, 3, ...options.task.view(model.image)]);
    const graph = taskGraph(options, weights, view, drawInputs(options.task, model, 2));
    const loss = lossScalars(graph).loss!;
    const gradients = grad(
      loss,
      specs.map((spec) => weights(spec.name)),
    );
    const wide = Object.fromEntries(
      Object.entries(options.weights).map(([key, data]) => [key, Float64Array.from(data)]),
    );
    const values = { ...wide, ...options.draws, view: options.view };
    const named = Object.fromEntries(gradients.map((gradient, i) => [specs[i]!.name, gradient]));
    const slopes = evaluateProgram(program('gradients', named), values);
    const lossOnly = program('loss', { loss });
    const at = (key: string, direction: Float64Array, t: number) => {
      const moved = wide[key]!.map((x, i) => x + t * direction[i]!);
      return evaluateProgram(lossOnly, { ...values, [key]: moved }).loss![0]!;
    };
    for (const { name: key } of specs) {
      // All of a weight in a random direction.
      const direction = Float64Array.from(wide[key]!, () => random.normal());
      const h = 1e-4;
      const expected =
        (8 * (at(key, direction, h) - at(key, direction, -h)) -
          (at(key, direction, 2 * h) - at(key, direction, -2 * h))) /
        (12 * h);
      const got = direction.reduce((sum, d, i) => sum + d * (slopes[key]![i] as number), 0);
      expect(
        Math.abs(got - expected) / Math.max(0.01, Math.abs(expected)),
        `${key}, seed ${seed}`,
      ).toBeLessThan(1e-5);
    }
  });
});

describe('evaluateTask', () => {
  it('refuses what does not fit', async () => {
    const options = example('masked', tiny, rng(freshSeed()));
    const refusal = (change: object) => expect(evaluateTask({ ...options, ...change })).rejects;
    await refusal({ maskRatio: 1.2 }).toThrow('mask ratio must lie in [0, 1), got 1.2');
    await refusal({ view: options.view.slice(1) }).toThrow(
      `view must hold images of [3, 8, 16], got ${options.view.length - 1} values`,
    );
    await refusal({ mean: [0.5] }).toThrow(
      'mean and std must have a value for each of 3 channels, got 1 and 3',
    );
    const { 'draw:order': _, ...none } = options.draws;
    await refusal({ draws: none }).toThrow('"draw:order"');
    const grey = { model: { ...tiny, channels: 1 }, task: task('de-colorized'), mean: [0.5], std: [0.5] };
    await refusal(grey).toThrow('task de-colorized needs images of 3 channels, got 1');
  });

  it('leaves gradients out when they are not asked for', async () => {
    const options = example('masked', tiny, rng(freshSeed()));
    expect((await evaluateTask({ ...options, gradients: false })).gradients).toEqual({});
  });
});
