import { expect, it } from 'vitest';
import { autoencoderParameters } from './autoencoder.ts';
import { modelConfig, modelNames, modelSize } from './sizes.ts';

it.each([
  ['micro', 128, 6, 4, 96, 2, 3],
  ['tiny', 192, 12, 3, 192, 2, 3],
  ['small', 384, 12, 6, 256, 4, 4],
  ['base', 768, 12, 12, 384, 4, 6],
  ['large', 1024, 24, 16, 512, 8, 8],
  ['huge', 1280, 32, 16, 512, 8, 8],
])("%s has the paper's size", (name, width, depth, heads, ...decoder) => {
  const [decoderWidth, decoderDepth, decoderHeads] = decoder;
  expect(modelSize(name)).toMatchObject({
    width,
    depth,
    heads,
    decoder: { width: decoderWidth, depth: decoderDepth, heads: decoderHeads },
  });
});

it('every size makes a model, with either table of positions', () => {
  expect(modelNames).toHaveLength(6);
  for (const name of modelNames)
    for (const positions of ['sincos1d', 'sincos2d'] as const)
      expect(autoencoderParameters(modelConfig(name, { positions })).length).toBeGreaterThan(50);
});

it('huge cuts patches of 14, micro images of 32', () => {
  expect(modelConfig('huge')).toMatchObject({ image: [224, 224], patch: 14 });
  expect(modelConfig('micro')).toMatchObject({ image: [32, 32], patch: 4, target: 'channel' });
});

it('names the nearest for an unknown one', () => {
  expect(() => modelSize('bas')).toThrow(/^a model must be one of micro, .*got "bas".*"base"/);
  expect(() => modelSize('toString')).toThrow('got "toString"');
});
