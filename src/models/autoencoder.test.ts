import { describe, expect, it } from 'vitest';
import { evaluate } from '../../tests/support/evaluate.ts';
import { normals, withRandom } from '../../tests/support/random.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { randomWeights, tiny } from '../../tests/support/tiny.ts';
import { constant, gather, sizeOf } from '../graph/index.ts';
import { patchCount } from '../image/size.ts';
import { maskTokens } from '../nn/masking.ts';
import type { Rng } from '../random/rng.ts';
import { autoencoderParameters } from './autoencoder.ts';
import type { AutoencoderConfig } from './config.ts';
import type { Encoded } from './decoders/decoder.ts';
import { decoderOf } from './decoders/table.ts';
import { encode } from './encoder.ts';
import { modelConfig } from './sizes.ts';

const model: AutoencoderConfig = { ...tiny, image: [12, 20], depth: 2 };

const variants: [string, AutoencoderConfig][] = [
  ['as in the paper', model],
  ['as in MAE', { ...model, classToken: true, positions: 'sincos2d' }],
  ['with learned positions and five channels', { ...model, positions: 'learned', channels: 5 }],
];

/** A model with random weights, and images. */
function example(config: AutoencoderConfig, random: Rng) {
  const specs = autoencoderParameters(config);
  const values = randomWeights(config, random);
  const tensors = new Map(specs.map(({ name, shape }) => [name, constant(values[name]!, shape)]));
  const shape = [2, config.channels, ...config.image];
  const weights = (name: string) => tensors.get(name)!;
  return {
    weights,
    decode: (encoded: Encoded) => decoderOf(config.decoder).decode(config, weights, encoded),
    image: constant(normals(random, sizeOf(shape)), shape),
  };
}

describe.each(variants)('an autoencoder %s', (_, config) => {
  const first = config.classToken ? 1 : 0;
  const patches = patchCount(config);
  /** Orders of the patches of two images; the first ones stay. */
  const shuffle = (random: Rng, visible: number) => {
    const orders = [random.permutation(patches), random.permutation(patches)];
    const order = constant(Int32Array.from(orders.flatMap((one) => [...one])), [2, patches]);
    return { orders, masking: maskTokens(order, visible) };
  };

  it('has the shapes it says', () => {
    withRandom(1, (random) => {
      const { weights, image, decode } = example(config, random);
      for (const masking of [undefined, shuffle(random, 4).masking]) {
        const tokens = encode(config, weights, image, masking);
        expect(tokens.shape).toEqual([2, first + (masking ? 4 : patches), 12]);
        const prediction = decode({ tokens, masking });
        const size = 16 * config.channels;
        expect(prediction.all.shape).toEqual([2, patches, size]);
        expect(evaluate(prediction.all).every(Number.isFinite)).toBe(true);
        expect(prediction.removed?.values.shape).toEqual(masking && [2, patches - 4, size]);
      }
    });
  });

  it('does not mind the order of its tokens', () => {
    withRandom(3, (random) => {
      const { weights, image, decode } = example(config, random);
      const { orders, masking } = shuffle(random, patches); // all stay, in another order
      const tokens = encode(config, weights, image);
      const shuffled = encode(config, weights, image, masking);
      const values = evaluate(tokens);
      const row = (b: number, n: number) => values.slice((b * (first + patches) + n) * 12).slice(0, 12);
      const expected = orders.flatMap((one, b) => [
        ...Array.from({ length: first }, () => row(b, 0)).flat(),
        ...[...one].flatMap((n) => row(b, first + n)),
      ]);
      expect(relativeError(evaluate(shuffled), expected)).toBeLessThan(1e-9);
      const straight = evaluate(decode({ tokens }).all);
      const restored = evaluate(decode({ tokens: shuffled, masking }).all);
      expect(relativeError(restored, straight)).toBeLessThan(1e-9);
    });
  });

  it('predicts of removed patches alone what it predicts of all', () => {
    withRandom(3, (random) => {
      const { weights, image, decode } = example(config, random);
      const { masking } = shuffle(random, 5);
      const { all, removed } = decode({ tokens: encode(config, weights, image, masking), masking });
      expect(relativeError(evaluate(removed!.values), evaluate(gather(all, masking.removed)))).toBeLessThan(
        1e-12,
      );
    });
  });

  it('sees nothing of removed patches', () => {
    withRandom(3, (random) => {
      const { weights, image } = example(config, random);
      const { orders, masking } = shuffle(random, 5);
      const [height, width] = config.image;
      const columns = width / config.patch;
      // Every pixel of a removed patch becomes NaN: nothing of it may arrive.
      const pixels = Float32Array.from(evaluate(image), (value, i) => {
        const [y, x] = [Math.floor(i / width) % height, i % width];
        const patch = Math.floor(y / config.patch) * columns + Math.floor(x / config.patch);
        const b = Math.floor(i / (config.channels * height * width));
        return orders[b]!.indexOf(patch) < 5 ? value : Number.NaN;
      });
      const holes = constant(pixels, image.shape);
      expect(evaluate(encode(config, weights, holes, masking))).toEqual(
        evaluate(encode(config, weights, image, masking)),
      );
    });
  });
});

describe('autoencoderParameters', () => {
  it("names weights as timm and MAE do, in MAE's shapes", () => {
    const shapes = Object.fromEntries(
      autoencoderParameters(modelConfig('base', { classToken: true, positions: 'sincos2d' })).map(
        ({ name, shape }) => [name, shape],
      ),
    );
    expect(shapes).toMatchObject({
      cls_token: [1, 1, 768],
      pos_embed: [1, 197, 768],
      'patch_embed.proj.weight': [768, 3, 16, 16],
      'patch_embed.proj.bias': [768],
      'blocks.11.attn.qkv.weight': [2304, 768],
      'blocks.11.attn.qkv.bias': [2304],
      'blocks.0.mlp.fc1.weight': [3072, 768],
      'blocks.0.mlp.fc2.weight': [768, 3072],
      'norm.weight': [768],
      'decoder_embed.weight': [384, 768],
      mask_token: [1, 1, 384],
      decoder_pos_embed: [1, 197, 384],
      'decoder_blocks.3.attn.proj.weight': [384, 384],
      'decoder_norm.bias': [384],
      'decoder_pred.weight': [768, 384],
      'decoder_pred.bias': [768],
    });
    expect(shapes).not.toHaveProperty('decoder_embed.bias');
    expect(shapes).not.toHaveProperty(['blocks.12.norm1.weight']);
  });

  it('has the 93.3 M weights of ViT-B/16 with its decoder', () => {
    const specs = autoencoderParameters(modelConfig('base')).filter(({ trainable }) => trainable);
    const count = specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    // 12 blocks of 12·768² + 13·768, 4 of 12·384² + 13·384, and what is around them; key biases are among them.
    expect(count).toBe(93_336_192);
  });

  it('decays weight matrices only', () => {
    const specs = autoencoderParameters({ ...model, classToken: true, positions: 'learned' });
    for (const { name, decay } of specs) expect(decay, name).toBe(/weight$/.test(name) && !/norm/.test(name));
  });

  it('starts as the paper says', () => {
    const specs = autoencoderParameters({ ...model, classToken: true });
    const kind = (name: string) => specs.find((spec) => spec.name === name)!.init;
    expect(kind('patch_embed.proj.weight')).toEqual({ kind: 'uniform', bound: 1 / Math.sqrt(48) });
    expect(kind('patch_embed.proj.bias')).toEqual({ kind: 'uniform', bound: 1 / Math.sqrt(48) });
    expect(kind('decoder_embed.weight')).toEqual({ kind: 'uniform', bound: 1 / Math.sqrt(12) });
    for (const name of ['blocks.0.attn.qkv.weight', 'decoder_pred.weight', 'cls_token', 'mask_token'])
      expect(kind(name)).toEqual({ kind: 'truncatedNormal' });
    expect(kind('blocks.0.attn.qkv.bias')).toEqual({ kind: 'zeros' });
    expect(kind('norm.weight')).toEqual({ kind: 'ones' });
  });

  it.each<[Partial<AutoencoderConfig>, string]>([
    [{ image: [12, 21] }, 'image sides must be multiples of the patch, got 12×21 and 4'],
    [{ heads: 5 }, 'encoder: its width must divide into its heads, got 12 and 5'],
    [
      { decoder: { width: 8, depth: 1, heads: 3 } },
      'decoder: its width must divide into its heads, got 8 and 3',
    ],
    [{ depth: 0 }, 'encoder: width, depth and heads must be whole and positive, got 12, 0, 3'],
    [{ channels: 0 }, 'channels must be whole and positive, got 0'],
    [{ width: 6, positions: 'sincos2d' }, '2-D positions need a width that is a multiple of 4, got 6'],
    [{ patch: 1 }, 'a normalised target needs at least 2 values per patch, got 1'],
  ])('refuses %j', (change, message) => {
    expect(() => autoencoderParameters({ ...model, ...change })).toThrow(message);
  });
});
