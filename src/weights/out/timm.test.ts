import { expect, it } from 'vitest';
import { whole, withRandom } from '../../../tests/support/random.ts';
import { modelConfig, modelNames } from '../../models/sizes.ts';
import type { Model } from '../model.ts';
import { timmModel } from './timm.ts';

const model = (encoder: Model['encoder'], more: Partial<Model> = {}) => ({ encoder, ...more }) as Model;

it("finds timm's name of the usual sizes", () => {
  const architectures = modelNames.map((name) => {
    const usual = modelConfig(name, {
      image: [224, 224],
      patch: name === 'huge' ? 14 : 16,
      classToken: true,
    });
    return [name, timmModel(model(usual), 'features')];
  });
  const args = { global_pool: 'avg', fc_norm: false, num_classes: 0 };
  const named = (name: string) => ({ architecture: name, args });
  expect(Object.fromEntries(architectures)).toEqual({
    micro: {
      architecture: 'vit_base_patch16_224',
      args: { embed_dim: 128, depth: 6, num_heads: 4, ...args },
    },
    tiny: named('vit_tiny_patch16_224'),
    small: named('vit_small_patch16_224'),
    base: named('vit_base_patch16_224'),
    large: named('vit_large_patch16_224'),
    huge: named('vit_huge_patch14_224'),
  });
});

it('names everything unusual', () => {
  const encoder = modelConfig('small', { image: [96, 160], patch: 8, channels: 1 });
  const classifier = { ...encoder, classes: 1000, pooling: 'mean', fcNorm: true } as const;
  expect(timmModel(model(encoder, { classifier }), 'classifier')).toEqual({
    architecture: 'vit_small_patch16_224',
    args: { img_size: [96, 160], patch_size: 8, in_chans: 1, class_token: false, global_pool: 'avg' },
  });
});

it('gives a ratio whose product with the width truncates to the hidden width', () => {
  withRandom(200, (random) => {
    const width = whole(random, 1, 1500);
    const mlpRatio = random.uniform(0.5, 6);
    const encoder = modelConfig('tiny', { width, heads: 1, mlpRatio });
    const { args } = timmModel(model(encoder), 'features');
    const ratio = (args.mlp_ratio as number | undefined) ?? 4;
    expect(Math.floor(ratio * width)).toBe(Math.round(width * mlpRatio));
  });
});
