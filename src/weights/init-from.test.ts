import { describe, expect, it } from 'vitest';
import { weightsFixture } from '../../tests/support/weights-fixture.ts';
import { autoencoderParameters } from '../models/autoencoder.ts';
import type { AutoencoderConfig } from '../models/config.ts';
import { initialise } from '../nn/init.ts';
import { describeInit, initFrom } from './init-from.ts';
import { type Model, openModel } from './model.ts';

const config: AutoencoderConfig = {
  image: [8, 8],
  patch: 4,
  channels: 3,
  width: 8,
  depth: 1,
  heads: 2,
  mlpRatio: 4,
  classToken: false,
  positions: 'sincos1d',
  decoder: { width: 8, depth: 1, heads: 2 },
  target: 'channel',
};
const specs = autoencoderParameters(config);

function madeModel(change: Partial<Model>): Model {
  return {
    source: 'beyond-masking',
    path: 'a.safetensors',
    encoder: config,
    decoder: config,
    normalisation: { mean: [0, 0, 0], std: [1, 1, 1] },
    evaluationCrop: 1,
    weights: initialise(specs, 7) as Record<string, Float32Array>,
    report: { tensors: [], missing: [], notes: [] },
    ...change,
  };
}

describe('initFrom', () => {
  it('takes all of the same model', () => {
    const [model, state] = [madeModel({}), initialise(specs, 8)];
    const report = initFrom(model, config, specs, state);
    expect(state).toEqual(model.weights);
    expect(report.loaded).toEqual(specs.filter(({ trainable }) => trainable).map(({ name }) => name));
    const none: string[] = [];
    expect(report).toMatchObject({ missing: none, mismatched: none, unused: none, differences: none });
  });

  it('says what became of each weight, and what differs', () => {
    const { decoder, ...encoder } = config;
    const larger = { ...encoder, mlpRatio: 2, classToken: true, positions: 'learned', heads: 4 } as const;
    const given = autoencoderParameters({ ...larger, decoder, target: 'none' });
    const { decoder: _, ...model } = madeModel({
      encoder: larger,
      weights: initialise(given, 7) as Record<string, Float32Array>,
      report: {
        tensors: [
          { tensor: 'm:norm.bias', dtype: 'F32', shape: [8], fate: 'ignored', reason: 'optimizer slot' },
          { tensor: 'fc.weight', dtype: 'F32', shape: [8], fate: 'ignored', reason: 'no part' },
        ],
        missing: [],
        notes: [],
      },
    });
    const state = initialise(specs, 8);
    const before = structuredClone(state);
    const report = initFrom(model, config, specs, state);
    expect(report.mismatched).toEqual([
      "blocks.0.mlp.fc1.weight (the model's [32,8], the file's [16,8])",
      "blocks.0.mlp.fc1.bias (the model's [32], the file's [16])",
      "blocks.0.mlp.fc2.weight (the model's [8,32], the file's [8,16])",
    ]);
    const ofDecoder = specs.filter(({ name, trainable }) => trainable && /^decoder|^mask/.test(name));
    expect(report.missing).toEqual(ofDecoder.map(({ name }) => name));
    expect(report.unused).toEqual(['cls_token', 'fc.weight']);
    expect(report.differences.map((line) => line.split(' is ')[0])).toEqual([
      'model.heads',
      'model.positions',
    ]);
    for (const { name } of specs)
      expect(state[name]).toEqual(report.loaded.includes(name) ? model.weights[name] : before[name]);
    expect(describeInit(model, report)).toMatch(
      /^\d+ weights loaded from a\.safetensors \(beyond-masking\)\nnot in the file, random: decoder_embed.*\(\d+ in all\)/,
    );
  });

  it("takes a decoder's table with the bias that was put into it", async () => {
    const model = await openModel(weightsFixture('hf-mae'));
    const whole = model.decoder!;
    const state = initialise(autoencoderParameters(whole), 1);
    initFrom(model, whole, autoencoderParameters(whole), state);
    expect(state).toEqual(model.weights);
  });

  it('refuses a model of which nothing fits', () => {
    const other = { ...config, width: 12, heads: 3, mlpRatio: 3 };
    const { decoder: _, ...encoder } = other;
    const { decoder: __, ...model } = madeModel({ encoder });
    expect(() => initFrom(model, config, specs, initialise(specs, 8))).toThrow(
      'a.safetensors must hold weights of the model, got none of its shapes',
    );
  });
});
