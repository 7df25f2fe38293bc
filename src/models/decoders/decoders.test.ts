import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../tests/support/evaluate.ts';
import { normals, whole, withRandom } from '../../../tests/support/random.ts';
import { relativeError } from '../../../tests/support/task-fixture.ts';
import { randomWeights, tiny } from '../../../tests/support/tiny.ts';
import { constant, gather, sizeOf } from '../../graph/index.ts';
import { patchCount } from '../../image/size.ts';
import { maskTokens } from '../../nn/masking.ts';
import type { Rng } from '../../random/rng.ts';
import { autoencoderParameters, recover } from '../autoencoder.ts';
import type { AutoencoderConfig } from '../config.ts';
import { decoderKinds } from './table.ts';

const base: AutoencoderConfig = { ...tiny, image: [12, 20] };
const patches = patchCount(base);

const withKind = (change: Partial<AutoencoderConfig['decoder']>, model: Partial<AutoencoderConfig> = {}) => ({
  ...base,
  ...model,
  decoder: { ...base.decoder, depth: 2, ...change },
});

/** A model with random weights, images, and a way to change some weights. */
function example(config: AutoencoderConfig, random: Rng) {
  const values = randomWeights(config, random);
  const shapes = new Map(autoencoderParameters(config).map(({ name, shape }) => [name, shape]));
  const image = () => {
    const shape = [2, config.channels, ...config.image];
    return constant(normals(random, sizeOf(shape)), shape);
  };
  const order = constant(Int32Array.from([...random.permutation(patches), ...random.permutation(patches)]), [
    2,
    patches,
  ]);
  return {
    image,
    order,
    weights:
      (changed: Record<string, number> = {}) =>
      (name: string) =>
        constant(
          values[name]!.map((value, i) => value + (i % 2) * (changed[name] ?? 0)), // norms take away what all share
          shapes.get(name)!,
        ),
  };
}

describe.each(decoderKinds)('a %s decoder', (kind) => {
  it.each([false, true])(
    'predicts of removed patches what it predicts of all, class token: %s',
    (classToken) => {
      withRandom(3, (random) => {
        const config = withKind({ kind }, { classToken });
        const { image, order, weights } = example(config, random);
        const masking = maskTokens(order, whole(random, 1, patches - 1));
        const { all, removed } = recover(config, weights(), image(), { masking });
        expect(removed!.tokens).toBe(masking.removed);
        expect(relativeError(evaluate(removed!.values), evaluate(gather(all, masking.removed)))).toBeLessThan(
          1e-12,
        );
      });
    },
  );

  it('predicts all of an image from which nothing is removed, without a mask token', () => {
    withRandom(2, (random) => {
      const config = withKind({ kind });
      const { image, order, weights } = example(config, random);
      const one = image();
      const { all, removed } = recover(config, weights(), one);
      expect(removed).toBeUndefined();
      expect(all.shape).toEqual([2, patches, 48]);
      const kept = recover(config, weights(), one, { masking: maskTokens(order, patches) });
      expect(relativeError(evaluate(kept.all), evaluate(all))).toBeLessThan(1e-9);
      const other = recover(config, weights({ mask_token: 1 }), one);
      // A query of the cross decoder is a mask token.
      if (kind !== 'cross') expect(evaluate(other.all)).toEqual(evaluate(all));
    });
  });
});

it.each([
  [0.01, [0]],
  [0.25, [0, 4, 8]],
  [0.5, [0, 2, 4, 6, 8, 10]],
  [0.6, [0, 1, 3, 5, 6, 8, 10]],
  [1, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
])('a share of %f predicts what the whole predicts there', (share, places) => {
  withRandom(2, (random) => {
    const config = withKind({ kind: 'cross', share });
    const { image, order, weights } = example(config, random);
    const masking = maskTokens(order, 3);
    const { all, removed } = recover(config, weights(), image(), { masking });
    const hidden = evaluate(masking.removed);
    expect(evaluate(removed!.tokens)).toEqual(
      [0, 12].flatMap((start) => places.map((i) => hidden[start + i]!)),
    );
    expect(relativeError(evaluate(removed!.values), evaluate(gather(all, removed!.tokens)))).toBeLessThan(
      1e-12,
    );
  });
});

it('a cross decoder looks at the guide, and knows whose tokens those are', () => {
  withRandom(2, (random) => {
    const config = withKind({ kind: 'cross' }, { classToken: true });
    const { image, weights } = example(config, random);
    const [one, guide] = [image(), image()];
    const predicted = (seen?: typeof guide, changed = {}) =>
      evaluate(recover(config, weights(changed), one, { guide: seen }).all);
    expect(relativeError(predicted(guide), predicted())).toBeGreaterThan(1e-4);
    expect(relativeError(predicted(guide, { guide_token: 1 }), predicted(guide))).toBeGreaterThan(1e-4);
    expect(predicted(undefined, { guide_token: 1 })).toEqual(predicted());
  });
});

it('a linear decoder has the encoder see mask tokens, and nothing of removed patches', () => {
  withRandom(3, (random) => {
    const config = withKind({ kind: 'linear' });
    const { order, weights, image } = example(config, random);
    const masking = maskTokens(order, 6);
    const one = image();
    const [height, width] = config.image;
    const orders = evaluate(order);
    const changed = evaluate(one).map((value, i) => {
      const [y, x] = [Math.floor(i / width) % height, i % width];
      const patch = Math.floor(y / 4) * (width / 4) + Math.floor(x / 4);
      const b = Math.floor(i / (3 * height * width));
      return orders.slice(b * patches).indexOf(patch) < 6 ? value : random.normal(0, 100);
    });
    const other = constant(Float32Array.from(changed), one.shape);
    const predicted = (seen: typeof one, change = {}) =>
      evaluate(recover(config, weights(change), seen, { masking }).all);
    expect(relativeError(predicted(other), predicted(one))).toBeLessThan(1e-6);
    expect(relativeError(predicted(one, { mask_token: 1 }), predicted(one))).toBeGreaterThan(1e-4);
  });
});
