import { expect, it } from 'vitest';
import { classifierParameters } from '../models/classifier.ts';
import { modelConfig } from '../models/sizes.ts';
import { layerDecay, parameterGroups } from './groups.ts';

it('decays marked tensors, and skips fixed ones', () => {
  const specs = [
    { name: 'weight', trainable: true, decay: true },
    { name: 'bias', trainable: true, decay: false },
    { name: 'table', trainable: false, decay: false },
  ];
  expect(parameterGroups(specs, 0.05)).toEqual([
    { name: 'weight', weightDecay: 0.05, lrScale: 1 },
    { name: 'bias', weightDecay: 0, lrScale: 1 },
  ]);
});

// The numbers of MAE's util/lr_decay.py for 12 blocks and 0.75.
it('decays the learning rate layer by layer', () => {
  const model = { ...modelConfig('base', { classToken: true }), classes: 10, pooling: 'mean' } as const;
  const specs = [true, false].flatMap((fcNorm) => classifierParameters({ ...model, fcNorm }));
  const byLayer = layerDecay(0.75, 12);
  const scale = (name: string) => byLayer(specs.find((spec) => spec.name === name)!.layer);
  for (const name of ['cls_token', 'pos_embed', 'patch_embed.proj.weight', 'patch_embed.proj.bias'])
    expect(scale(name)).toBeCloseTo(0.0237573, 7);
  expect(scale('blocks.0.attn.qkv.weight')).toBeCloseTo(0.0316764, 7);
  expect(scale('blocks.10.mlp.fc1.bias')).toBeCloseTo(0.5625, 12);
  expect(scale('blocks.11.norm2.weight')).toBe(0.75);
  for (const name of ['fc_norm.weight', 'norm.bias', 'head.weight']) expect(scale(name)).toBe(1);
});
