import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { tinySettings } from '../../tests/support/tiny-run.ts';
import { parseConfig } from '../config/schema.ts';
import { FileFormatError } from '../io/file-format-error.ts';
import { readSafetensors, writeSafetensors } from '../io/safetensors.ts';
import { autoencoderParameters } from '../models/autoencoder.ts';
import { initialise } from '../nn/init.ts';
import { saveCheckpoint } from '../run/checkpoint.ts';
import { pretraining } from '../run/kinds/pretrain.ts';
import { modelParameters, openModel } from './model.ts';

const path = join(temporaryFolder(), 'step.safetensors');
const config = parseConfig(tinySettings('images', { data: { mean: [0.1, 0.2, 0.3], evaluationCrop: 0.5 } }));
const parameters = autoencoderParameters(config.model);
const state = initialise(parameters, 3);

async function checkpoint(change: (tensors: Map<string, unknown>) => void = () => {}): Promise<string> {
  const slots = Object.fromEntries(
    parameters.filter(({ trainable }) => trainable).map(({ name }) => [`m:${name}`, state[name]!]),
  );
  const progress = {
    step: 1,
    skipped: 0,
    epoch: 0,
    cursor: { epoch: 0, position: 4 },
    data: 'images',
    engine: 'reference',
  };
  await saveCheckpoint(path, {
    kind: pretraining,
    config,
    progress,
    state: { ...state, ...slots },
    parameters,
    slots: ['m'],
  });
  const { tensors, metadata } = await readSafetensors(path);
  change(tensors);
  await writeSafetensors(path, tensors, metadata);
  return path;
}

it('opens a checkpoint of pre-training, slots left out', async () => {
  const model = await openModel(await checkpoint());
  expect(model).toMatchObject({
    source: 'beyond-masking',
    encoder: { image: [8, 8], width: 8, classToken: false },
    decoder: { decoder: { width: 8 }, target: 'channel' },
    normalisation: { mean: [0.1, 0.2, 0.3] },
    evaluationCrop: 0.5,
    run: { progress: { step: 1 } },
  });
  expect(model.weights).toEqual(state);
  expect(modelParameters(model).map(({ name }) => name)).toEqual(parameters.map(({ name }) => name));
  const ignored = model.report.tensors.filter(({ fate }) => fate === 'ignored');
  expect(ignored.length).toBe(model.report.tensors.length - parameters.length);
  for (const { tensor, reason } of ignored)
    expect([tensor, reason]).toEqual([expect.stringMatching(/^m:/), 'optimizer slot']);
});

it('opens the encoder of a file without its decoder', async () => {
  const model = await openModel(
    await checkpoint((tensors) => {
      for (const name of tensors.keys()) if (/decoder|mask_token/.test(name)) tensors.delete(name);
    }),
  );
  expect(model.decoder).toBeUndefined();
  expect(Object.keys(model.weights)).toEqual(modelParameters(model).map(({ name }) => name));
});

it('refuses a checkpoint whose tensors do not fit its settings', async () => {
  const open = async (name: string, tensor?: unknown) =>
    openModel(
      await checkpoint((tensors) => {
        tensors.delete(name);
        if (tensor) tensors.set(name, tensor);
      }),
    );
  await expect(open('norm.bias')).rejects.toThrow(FileFormatError);
  await expect(open('norm.bias')).rejects.toThrow('it must hold tensor "norm.bias"');
  const short = { dtype: 'F32', shape: [3], data: new Float32Array(3) };
  await expect(open('norm.bias', short)).rejects.toThrow('tensor norm.bias must have the shape [8], got [3]');
  const whole = { dtype: 'I32', shape: [8], data: new Int32Array(8) };
  await expect(open('norm.bias', whole)).rejects.toThrow(
    'tensor norm.bias must be F32, F16, BF16, got "I32"',
  );
});

it('refuses sizes and heads that contradict a file of this project, which states them', async () => {
  const file = await checkpoint();
  await expect(openModel(file, { image: [16, 16] })).rejects.toThrow(
    /size of images \(--image\) must be that of the model where its file states it.*got 16×16 for .* of 8×8: leave it out/,
  );
  const { heads } = (await openModel(file, { image: [8, 8] })).encoder;
  await expect(openModel(file, { heads: heads + 1 })).rejects.toThrow(
    `the number of attention heads must be that of the model where its file states it, as this project's files do, got ${heads + 1}`,
  );
  await openModel(file, { heads });
});
