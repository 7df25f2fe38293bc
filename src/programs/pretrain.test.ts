import { describe, expect, it } from 'vitest';
import { imagenet } from '../../tests/support/degrade.ts';
import { evaluate } from '../../tests/support/evaluate.ts';
import { freshSeed } from '../../tests/support/random.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { randomWeights, tiny } from '../../tests/support/tiny.ts';
import { referenceEngine } from '../engines/reference/engine.ts';
import { evaluateProgram } from '../engines/reference/evaluate.ts';
import { constant, sizeOf } from '../graph/index.ts';
import { autoencoderParameters } from '../models/autoencoder.ts';
import { encode } from '../models/encoder.ts';
import { type Rng, rng } from '../random/rng.ts';
import { drawBatch } from '../tasks/draws.ts';
import { modelFor } from '../tasks/fit.ts';
import { task, taskNames } from '../tasks/table.ts';
import { evaluateTask } from './evaluate-task.ts';
import { pretrainPrograms } from './pretrain.ts';

const bytes = (random: Rng, size: number) => Uint8Array.from({ length: size }, () => random.int(256));

function example(name: string, random: Rng, given = tiny) {
  const model = modelFor(task(name), given);
  const programs = pretrainPrograms({ model, task: task(name), maskRatio: 0.75, batch: 2, ...imagenet });
  const view = bytes(random, sizeOf(programs.loss.inputs.view!.shape));
  const draws = drawBatch(task(name), model, [random.derive(0), random.derive(1)]);
  const weights = randomWeights(model, random);
  return { model, programs, view, draws, weights, values: { ...weights, ...draws, view } };
}

/** (u8/255 − mean)/std of images [B, 3, H, W]. */
function normalised(view: Uint8Array, pixels: number): Float32Array {
  return Float32Array.from(view, (value, i) => {
    const channel = Math.floor(i / pixels) % 3;
    return (value / 255 - imagenet.mean[channel]!) / imagenet.std[channel]!;
  });
}

describe.each(taskNames)('%s', (name) => {
  it('takes bytes and yields what evaluateTask does', async () => {
    const seed = freshSeed();
    const { model, programs, view, draws, weights, values } = example(name, rng(seed));
    const [, , height, width] = programs.loss.inputs.view!.shape as [number, number, number, number];
    const expected = await evaluateTask({
      model,
      task: task(name),
      maskRatio: 0.75,
      ...imagenet,
      weights,
      view: normalised(view, height * width),
      draws,
      engine: referenceEngine,
    });
    const { loss, losses, ...parts } = evaluateProgram(programs.loss, values);
    expect(relativeError(loss as Float64Array, [expected.loss]), `seed ${seed}`).toBeLessThan(1e-5);
    expect(relativeError(losses as Float64Array, expected.losses), `seed ${seed}`).toBeLessThan(1e-5);
    for (const [part, value] of Object.entries(expected.parts)) {
      const byImage = parts[`losses:${part}`] as Float64Array;
      expect((byImage[0]! + byImage[1]!) / 2, `seed ${seed}`).toBeCloseTo(value, 4);
      expect(parts[part]![0], `seed ${seed}`).toBeCloseTo(value, 4);
    }
    const got = evaluateProgram(programs.gradients, values);
    expect(relativeError(got.loss as Float64Array, [expected.loss]), `seed ${seed}`).toBeLessThan(1e-5);
    for (const { name: key } of programs.parameters) {
      const gradient = got[`grad:${key}`] as Float64Array;
      expect(relativeError(gradient, expected.gradients[key]!), `${key}, seed ${seed}`).toBeLessThan(1e-4);
    }
  });

  it('draws pictures of one size', () => {
    const { model, programs, values } = example(name, rng(freshSeed()));
    const pictures = evaluateProgram(programs.reconstruct, values);
    expect(Object.keys(pictures).sort()).toEqual([
      'degraded',
      'mask',
      'original',
      'reconstruction',
      ...(task(name).place ? ['shown'] : []),
      ...(model.target === 'none' ? [] : ['statistics', 'withStatistics']), // pixels need none
    ]);
    expect('errors:model' in programs.heldOut.outputs).toBe(!name.endsWith('frequency'));
    const removed = (pictures.mask as Float64Array).reduce((sum, x) => sum + x, 0);
    expect(removed).toBe(task(name).mask ? 2 * 6 : 0); // of 8 tokens 2 stay
    for (const picture of ['degraded', 'original', 'reconstruction'])
      expect(pictures[picture]).toHaveLength(2 * 3 * 8 * 16);
    // The original is a picture: on the scale [0, 1].
    const original = pictures.original as Float64Array;
    expect(original.every((u) => u > -1e-6 && u < 1 + 1e-6)).toBe(true);
  });
});

describe('parameters', () => {
  const trained = autoencoderParameters(tiny).filter((spec) => spec.trainable);

  it('are all that is trained where tokens are removed, all but the mask token elsewhere', () => {
    const names = (key: string) =>
      example(key, rng(0)).programs.parameters.map((parameter) => parameter.name);
    const all = trained.map((spec) => spec.name);
    expect(names('masked')).toEqual(all);
    expect(names('distorted')).toEqual(all.filter((name) => name !== 'mask_token'));
  });

  it('decay weight matrices, by 0.05 by default', () => {
    const options = { model: tiny, task: task('masked'), batch: 2, ...imagenet };
    const decay = (name: string, weightDecay?: number) =>
      pretrainPrograms({ ...options, ...(weightDecay === undefined ? {} : { weightDecay }) }).parameters.find(
        (parameter) => parameter.name === name,
      )!.weightDecay;
    expect(decay('decoder_embed.weight')).toBe(0.05);
    expect(decay('decoder_embed.weight', 0.3)).toBe(0.3);
    expect(decay('mask_token', 0.3)).toBe(0);
    expect(decay('norm.weight', 0.3)).toBe(0);
  });
});

describe('pictures', () => {
  it('of a clean task are the view itself', () => {
    const { programs, view, values } = example('masked', rng(freshSeed()));
    const { original, degraded } = evaluateProgram(programs.reconstruct, values);
    const picture = Array.from(view, (value) => value / 255);
    expect(relativeError(original as Float64Array, picture)).toBeLessThan(1e-6);
    expect(relativeError(degraded as Float64Array, picture)).toBeLessThan(1e-6);
  });

  it('take mean and deviation from the patches that are seen, on request from those of the original', () => {
    const { programs, values } = example('masked', rng(freshSeed()));
    // Without a decoder's weights the prediction is the bias alone: 1 in every value of the normalised target.
    const blank = (name: string, value: number) => values[name as 'view']!.map(() => value);
    const constantOne = {
      ...values,
      'decoder_pred.weight': blank('decoder_pred.weight', 0),
      'decoder_pred.bias': blank('decoder_pred.bias', 1),
    };
    const { original, mask, reconstruction, withStatistics, statistics } = evaluateProgram(
      programs.reconstruct,
      constantOne,
    );
    const patch = (picture: ArrayLike<number>) =>
      [0, 1, 2, 3].flatMap((y) => [0, 1, 2, 3].map((x) => picture[y * 16 + x]!));
    const pixels = patch(original as Float64Array);
    const average = pixels.reduce((sum, u) => sum + u, 0) / 16;
    const deviation = Math.sqrt(pixels.reduce((sum, u) => sum + (u - average) ** 2, 0) / 15);
    for (const u of patch(withStatistics as Float64Array)) expect(u).toBeCloseTo(average + deviation, 5);
    for (const u of patch(statistics as Float64Array)) expect(u).toBeCloseTo(average, 5);
    if ((mask as Float64Array)[0] === 0)
      for (const u of patch(reconstruction as Float64Array)) expect(u).toBeCloseTo(average + deviation, 5);
  });
});

describe('features', () => {
  it.each([false, true])('are means over the patches of the whole image (class token: %s)', (classToken) => {
    const model = { ...tiny, classToken };
    const random = rng(freshSeed());
    const { programs, weights } = example('masked+zoomed-in', random, model);
    const view = bytes(random, 2 * 3 * 8 * 16);
    const { features } = evaluateProgram(programs.features, { ...weights, view });
    expect(features).toHaveLength(2 * model.width);
    const tensors = (name: string) => constant(weights[name]!, programs.features.inputs[name]!.shape);
    const images = constant(normalised(view, 128), [2, 3, 8, 16]);
    const tokens = evaluate(encode(model, tensors, images));
    const expected = [0, 1].flatMap((b) =>
      Array.from({ length: 12 }, (_, d) => {
        const first = classToken ? 1 : 0;
        const values = Array.from({ length: 8 }, (_, n) => tokens[(b * (8 + first) + first + n) * 12 + d]!);
        return values.reduce((sum, value) => sum + value, 0) / 8;
      }),
    );
    expect(relativeError(features as Float64Array, expected)).toBeLessThan(1e-5);
    expect(Object.keys(programs.features.inputs)).not.toContain('mask_token');
  });

  it('do not change when an image meets another', () => {
    const random = rng(freshSeed());
    const { programs, weights } = example('masked', random);
    const view = bytes(random, 2 * 384);
    const other = Uint8Array.from([...view.slice(0, 384), ...bytes(random, 384)]);
    const first = (images: Uint8Array) =>
      evaluateProgram(programs.features, { ...weights, view: images }).features!.slice(0, tiny.width);
    expect(first(view)).toEqual(first(other));
  });
});
