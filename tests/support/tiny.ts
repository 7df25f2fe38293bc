import type { Values } from '../../src/graph/index.ts';
import { autoencoderParameters } from '../../src/models/autoencoder.ts';
import type { AutoencoderConfig } from '../../src/models/config.ts';
import { initialise } from '../../src/nn/init.ts';
import type { Rng } from '../../src/random/rng.ts';
import { normals } from './random.ts';

/** A model small enough for tests. */
export const tiny: AutoencoderConfig = {
  image: [8, 16],
  patch: 4,
  channels: 3,
  width: 12,
  depth: 1,
  heads: 3,
  mlpRatio: 2,
  decoder: { width: 8, depth: 1, heads: 2 },
  classToken: false,
  positions: 'sincos1d',
  target: 'channel',
};

/** Weights larger than initial ones, so that every weight affects the result. */
export function randomWeights(config: AutoencoderConfig, random: Rng): Values {
  const specs = autoencoderParameters(config);
  const start = initialise(specs, random.uint32());
  return Object.fromEntries(
    specs.map(({ name, trainable }) => [
      name,
      trainable ? normals(random, start[name]!.length, 0.3) : start[name]!,
    ]),
  );
}
