import { describe, expect, it } from 'vitest';
import { weightsFixture } from '../../tests/support/weights-fixture.ts';
import { autoencoderParameters } from '../models/autoencoder.ts';
import { type ClassifierConfig, classifierParameters } from '../models/classifier.ts';
import type { AutoencoderConfig } from '../models/config.ts';
import { type DetectorConfig, detectorParameters } from '../models/detector.ts';
import { encoderParameters } from '../models/encoder.ts';
import { initialise } from '../nn/init.ts';
import { resamplePositions } from '../nn/resample-positions.ts';
import { loadAutoencoder, loadClassifier, loadDetector } from './load-into.ts';
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

const drawn = (model: AutoencoderConfig) =>
  initialise(autoencoderParameters(model), 7) as Record<string, Float32Array>;

function madeModel(change: Partial<Model>): Model {
  return {
    source: 'beyond-masking',
    path: 'a.safetensors',
    encoder: config,
    decoder: config,
    normalisation: { mean: [0, 0, 0], std: [1, 1, 1] },
    evaluationCrop: 1,
    weights: drawn(config),
    report: { tensors: [], missing: [], notes: [] },
    ...change,
  };
}

describe('loadAutoencoder', () => {
  it('takes all of the same model', () => {
    const [model, state] = [madeModel({}), initialise(specs, 8)];
    const notes = loadAutoencoder(model, config, specs, state);
    expect(state).toEqual(model.weights);
    const count = specs.filter(({ trainable }) => trainable).length;
    expect(notes).toEqual([`${count} weights loaded from a.safetensors (beyond-masking)`]);
  });

  it('reports missing, mismatched and unused weights, and other settings', () => {
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
    const notes = loadAutoencoder(model, config, specs, state);
    const ofDecoder = specs.filter(({ name, trainable }) => trainable && /^decoder|^mask/.test(name));
    const kept = (name: string) => /^decoder|^mask|^pos_embed|mlp\.fc1|mlp\.fc2\.weight/.test(name);
    const loaded = specs.filter(({ name }) => !kept(name));
    expect(notes).toEqual([
      `${loaded.length} weights loaded from a.safetensors (beyond-masking)`,
      `not in the file, random: ${ofDecoder
        .slice(0, 5)
        .map(({ name }) => name)
        .join(', ')} and ${ofDecoder.length - 5} more`,
      "other shape, random: blocks.0.mlp.fc1.weight (the model's [32,8], the file's [16,8]), " +
        "blocks.0.mlp.fc1.bias (the model's [32], the file's [16]), " +
        "blocks.0.mlp.fc2.weight (the model's [8,32], the file's [8,16])",
      'in the file, not used: cls_token, fc.weight',
      "other setting: model.heads is 2, the file's is 4 (--set model.heads=4)",
      "other setting: model.positions is sincos1d, the file's is learned (--set model.positions=learned)",
    ]);
    for (const { name } of specs)
      expect(state[name], name).toEqual(kept(name) ? before[name] : model.weights[name]);
  });

  it("takes a decoder's table with the bias that was put into it", async () => {
    const model = await openModel(weightsFixture('hf-mae'));
    const whole = model.decoder!;
    const state = initialise(autoencoderParameters(whole), 1);
    loadAutoencoder(model, whole, autoencoderParameters(whole), state);
    expect(state).toEqual(model.weights);
  });

  it('refuses a model without a weight that fits', () => {
    const other = { ...config, width: 12, heads: 3, mlpRatio: 3 };
    const { decoder: _, ...encoder } = other;
    const { decoder: __, ...model } = madeModel({ encoder });
    expect(() => loadAutoencoder(model, config, specs, initialise(specs, 8))).toThrow(
      'a.safetensors must hold weights of the model, got none of its shapes: set its sizes (model.*), which `inspect a.safetensors` prints',
    );
  });
});

/** The table of a grid of 2 × 2 on one of 4 × 2, as PyTorch's bicubic interpolation with antialias gives it. */
const taller = (table: Float32Array) =>
  resamplePositions(table, { from: [2, 2], to: [4, 2], first: 0, width: config.width });

describe.each(['sincos1d', 'sincos2d', 'learned'] as const)('%s positions for another grid', (positions) => {
  // Tables computed for the new grid name places that the blocks have not learned.
  const theirs = { ...config, positions };
  const model = madeModel({ encoder: theirs, decoder: theirs, weights: drawn(theirs) });
  const note = "positions interpolated (bicubic) for 4×2 patches, the file's are for 2×2";

  it('are interpolated for a classifier', () => {
    const classifier: ClassifierConfig = {
      ...{ ...theirs, image: [16, 8] },
      ...{ classes: 2, pooling: 'mean', fcNorm: true },
    };
    const parameters = classifierParameters(classifier);
    const state = initialise(parameters, 8);
    expect(loadClassifier(model, classifier, ['a', 'b'], parameters, state)).toContain(note);
    expect(state.pos_embed).toEqual(taller(model.weights.pos_embed!));
  });

  // No file leaves learned ones out.
  if (positions !== 'learned')
    it('are interpolated where the file leaves them out', () => {
      const { pos_embed, ...weights } = model.weights;
      const larger: AutoencoderConfig = { ...theirs, image: [16, 8] };
      const state = initialise(autoencoderParameters(larger), 8);
      loadAutoencoder({ ...model, weights }, larger, autoencoderParameters(larger), state);
      expect(state.pos_embed).toEqual(taller(pos_embed!));
    });

  it('are interpolated for an autoencoder', () => {
    const larger: AutoencoderConfig = { ...theirs, image: [16, 8] };
    const parameters = autoencoderParameters(larger);
    const state = initialise(parameters, 8);
    expect(loadAutoencoder(model, larger, parameters, state)).toContain(note);
    for (const name of ['pos_embed', 'decoder_pos_embed'])
      expect(state[name], name).toEqual(taller(model.weights[name]!));
  });
});

it('a classifier without a class token keeps its positions for another grid if the model has one', () => {
  const classifier: ClassifierConfig = {
    ...config,
    image: [16, 8],
    positions: 'learned',
    classes: 2,
    pooling: 'mean',
    fcNorm: true,
  };
  const parameters = classifierParameters(classifier);
  const theirs = { ...config, positions: 'learned', classToken: true } as const;
  const { decoder: _, ...model } = madeModel({
    encoder: theirs,
    weights: initialise(autoencoderParameters(theirs), 7) as Record<string, Float32Array>,
  });
  const state = initialise(parameters, 8);
  const before = structuredClone(state);
  const notes = loadClassifier(model, classifier, ['a', 'b'], parameters, state);
  expect(state.pos_embed).toEqual(before.pos_embed);
  expect(notes).toContain("other shape, random: pos_embed (the model's [1,8,8], the file's [1,5,8])");
  expect(notes).toContain('in the file, not used: cls_token');
});

describe('loadDetector', () => {
  const encoder = { ...config, positions: 'learned', classToken: true } as const;
  const theirs = { ...encoder, weights: initialise(encoderParameters(encoder), 7) };
  const head = { channels: 4, scales: [2, 1], convolutions: 1, hidden: 8, masks: true } as const;
  const detector = (image: readonly [number, number]): DetectorConfig => ({
    ...{ ...encoder, image, classToken: false, classes: 2, head },
    ...{ windows: { side: 2, global: [] }, decomposedPositions: true },
  });
  const load = (
    image: readonly [number, number],
    model = madeModel({ encoder, weights: theirs.weights }),
  ) => {
    const { decoder: _, ...given } = model;
    const own = detectorParameters(detector(image));
    const state = initialise(own, 9);
    return { state, notes: loadDetector(given, detector(image), ['a', 'b'], own, state) };
  };

  it('leaves the class token out, and says which tensors are new by design', () => {
    const { state, notes } = load([8, 8]);
    expect(state.pos_embed).toEqual(theirs.weights.pos_embed!.subarray(config.width));
    expect(state['blocks.0.attn.qkv.weight']).toEqual(theirs.weights['blocks.0.attn.qkv.weight']);
    expect(notes[0]).toMatch(/^encoder loaded from .*; new pyramid, proposals and heads for 2 classes$/);
    expect(notes).toContainEqual(
      expect.stringMatching(
        /^new by design, as for every detector that starts from an encoder: \d+ tensors named head/,
      ),
    );
    expect(notes.join('\n')).not.toMatch(/random|shape/);
    expect(notes).toContainEqual('in the file, not used: cls_token');
  });

  it('interpolates positions for another grid', () => {
    const { state, notes } = load([16, 12]);
    expect(state.pos_embed).toHaveLength(12 * config.width);
    expect(notes).toContainEqual("positions interpolated (bicubic) for 4×3 patches, the file's are for 2×2");
  });
});
