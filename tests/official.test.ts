import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { referenceBackend } from '../src/backends/reference/backend.ts';
import { toFloat32 } from '../src/io/dtypes.ts';
import { readSafetensors } from '../src/io/safetensors.ts';
import { type AutoencoderConfig, autoencoderParameters } from '../src/models/autoencoder.ts';
import { initialise } from '../src/nn/init.ts';
import { task } from '../src/tasks/table.ts';
import { evaluateTask } from '../src/train/evaluate-task.ts';
import { relativeError, section } from './support/task-fixture.ts';

const path = fileURLToPath(new URL('fixtures/official-distorted.safetensors', import.meta.url));

const model: AutoencoderConfig = {
  image: [224, 224],
  patch: 16,
  channels: 3,
  width: 48,
  depth: 2,
  heads: 3,
  mlpRatio: 4,
  decoder: { width: 32, depth: 1, heads: 2 },
  classToken: false,
  positions: 'sincos1d',
  target: 'channel',
};

/** Our name of one of the official code's weights. */
const renamed = (name: string) =>
  name
    .replace(/^encoder\./, '')
    .replace('encoder_to_decoder', 'decoder_embed')
    .replace(/^decoder\.head/, 'decoder_pred')
    .replace(/^decoder\./, 'decoder_');

it("agrees with the official code's loss and gradients for the distorted task", async () => {
  const { tensors, metadata } = await readSafetensors(path);
  const float = (name: string) => toFloat32(tensors.get(name)!);
  // Position tables are not stored there: ours are tested along.
  const weights = initialise(autoencoderParameters(model), 0);
  for (const [name, data] of Object.entries(section(tensors, 'param.'))) {
    if (name.endsWith('v_bias')) continue;
    if (!name.endsWith('q_bias')) {
      expect(weights[renamed(name)]).toHaveLength(data.length);
      weights[renamed(name)] = data as Float32Array;
      continue;
    }
    const bias = new Float32Array(3 * data.length);
    bias.set(data);
    bias.set(float(`param.${name.replace('q_bias', 'v_bias')}`), 2 * data.length);
    weights[renamed(name).replace('q_bias', 'qkv.bias')] = bias;
  }
  const got = await evaluateTask({
    model,
    task: task('distorted'),
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    weights,
    view: float('view'),
    draws: { 'draw:centre': float('centre'), 'draw:magnitude': float('magnitude') },
    backend: referenceBackend,
  });
  expect(relativeError(got.degraded, float('input'))).toBeLessThan(1e-4);
  expect(relativeError([got.loss], [Number(metadata.loss)])).toBeLessThan(1e-4);
  const gradients = Object.entries(section(tensors, 'grad.'));
  expect(gradients).toHaveLength(5);
  for (const [name, gradient] of gradients)
    expect(relativeError(got.gradients[renamed(name)]!, gradient), name).toBeLessThan(1e-4);
});
