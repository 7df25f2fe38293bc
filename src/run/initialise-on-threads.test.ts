import { expect, it } from 'vitest';
import { seed } from '../../tests/support/random.ts';
import { autoencoderParameters } from '../models/autoencoder.ts';
import { modelConfig } from '../models/sizes.ts';
import { initialise } from '../nn/init.ts';
import { initialiseOnThreads } from './initialise-on-threads.ts';

it.each(['micro', 'tiny'])('gives the weights of %s that one thread gives, in their order', async (name) => {
  const specs = autoencoderParameters(modelConfig(name)); // the larger one is worth threads
  const expected = initialise(specs, seed);
  const made = await initialiseOnThreads(specs, seed);
  expect(Object.keys(made)).toEqual(Object.keys(expected));
  for (const key of Object.keys(expected))
    expect(
      made[key]!.every((x, i) => x === expected[key]![i]),
      key,
    ).toBe(true);
});
