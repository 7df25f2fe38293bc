import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { weightsFixture } from '../../../tests/support/weights-fixture.ts';
import type { NamedTensor } from '../../io/dtypes.ts';
import { FileFormatError } from '../../io/file-format-error.ts';
import { readSafetensors, writeSafetensors } from '../../io/safetensors.ts';
import { encoderParameters } from '../../models/encoder.ts';
import { modelConfig } from '../../models/sizes.ts';
import { sincos1d, sincos2d } from '../../nn/positions.ts';
import { openModel } from '../model.ts';
import { understandForeign } from './foreign.ts';

const folder = temporaryFolder();
const path = join(folder, 'model.safetensors');

const floats = (...shape: number[]): NamedTensor => ({
  dtype: 'F32',
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});

/** A changed classifier of timm (width 16, 1 block, 2 heads, 2×2 patches of 8, class token). */
async function changed(change: (tensors: Map<string, NamedTensor>) => void): Promise<string> {
  const { tensors } = await readSafetensors(weightsFixture('timm-token.safetensors'));
  change(tensors);
  await writeSafetensors(path, tensors);
  return path;
}

const open = async (change: (tensors: Map<string, NamedTensor>) => void = () => {}) =>
  openModel(await changed(change), { heads: 2 });

describe('what would compute something else is refused', () => {
  it.each([
    ['reg_token', 'register tokens'],
    ['dist_token', 'a distillation token (DeiT)'],
    ['head_dist.weight', 'a distillation token (DeiT)'],
    ['norm_pre.weight', 'a norm before the blocks (CLIP)'],
    ['blocks.0.ls1.gamma', 'layer scale'],
    ['blocks.0.attn.q_norm.weight', 'norms inside of the attention'],
    ['blocks.0.attn.rel_pos_bias.table', 'relative positions'],
    ['pre_logits.fc.weight', 'a hidden layer before the head'],
    ['blocks.0.adapter.weight', 'unknown layers'],
    ['patch_embed.norm.weight', 'unknown layers'],
  ])('%s', async (name, reason) => {
    const opened = open((tensors) => tensors.set(name, floats(16)));
    await expect(opened).rejects.toThrow(
      `models here are plain Vision Transformers, without ${reason}, got "${name}"`,
    );
    await expect(opened).rejects.toThrow(FileFormatError);
  });

  it.each<[string, (tensors: Map<string, NamedTensor>) => void, string]>([
    [
      'a missing weight',
      (t) => t.delete('blocks.0.mlp.fc2.bias'),
      'has a tensor blocks.0.mlp.fc2.bias, got "none"',
    ],
    [
      'a weight of another shape',
      (t) => t.set('norm.bias', floats(17)),
      'tensor norm.bias must have the shape [16], got [17]',
    ],
    [
      'blocks with a gap',
      (t) => t.set('blocks.2.norm1.bias', floats(16)),
      'numbered from 0 without a gap, got "2, the last 2"',
    ],
    [
      'patches that are not square',
      (t) => t.set('patch_embed.proj.weight', floats(16, 3, 8, 4)),
      'patches must be square',
    ],
    [
      'patches of videos',
      (t) => t.set('patch_embed.proj.weight', floats(16, 3, 2, 8, 8)),
      'of 4 axes, got "[16,3,2,8,8]"',
    ],
    [
      'positions of no square',
      (t) => t.set('pos_embed', floats(1, 8, 16)),
      'its 7 positions of patches form no square: give the size of the images, for example --image 8x56',
    ],
    ['no positions', (t) => t.delete('pos_embed'), 'models here add a table of positions'],
    [
      'whole numbers',
      (t) => t.set('norm.bias', { dtype: 'I32', shape: [16], data: new Int32Array(16) }),
      'must hold floating-point numbers, got "I32"',
    ],
    [
      'a norm after the pooling without a head',
      (t) => {
        for (const name of ['norm.weight', 'norm.bias', 'head.weight', 'head.bias']) t.delete(name);
        t.set('fc_norm.weight', floats(16));
      },
      'must come with a head',
    ],
    [
      'two tensors for one weight',
      (t) => t.set('module.norm.bias', floats(16)),
      'only one tensor may become norm.bias',
    ],
    [
      'other names',
      (t) => t.delete('patch_embed.proj.weight'),
      'must have the names of a Vision Transformer in timm, MAE',
    ],
  ])('%s', async (_, change, message) => {
    await expect(open(change)).rejects.toThrow(message);
    await expect(open(change)).rejects.toThrow(FileFormatError);
  });

  it('heads that are unknown, or do not divide the width', async () => {
    const file = await changed(() => {});
    await expect(openModel(file)).rejects.toThrow('set it with --heads, got "width 16, depth 1"');
    expect((await openModel(file, { unusualHeads: 2 })).encoder.heads).toBe(2);
    await expect(openModel(file, { heads: 3 })).rejects.toThrow('its width must divide into its heads');
  });
});

describe('what does not matter is taken', () => {
  it('the prefix of parallel training', async () => {
    const { report, weights } = await open((tensors) => {
      for (const [name, tensor] of [...tensors]) {
        tensors.delete(name);
        tensors.set(`module.${name}`, tensor);
      }
    });
    expect(Object.keys(weights)).toHaveLength(20);
    expect(report.tensors[0]).toMatchObject({ fate: 'renamed' });
  });

  it('tensors of nothing that is used, with the reason', async () => {
    const { report } = await open((tensors) => {
      tensors.set('ema.decay', floats(1));
      tensors.set('fc_norm.bias', floats(16));
    });
    expect(report.tensors.filter(({ fate }) => fate === 'ignored')).toEqual([
      expect.objectContaining({
        tensor: 'ema.decay',
        reason: 'no part of an encoder, decoder or linear head',
      }),
      expect.objectContaining({
        tensor: 'fc_norm.bias',
        reason: 'the rest of that part of a model is not in the file',
      }),
    ]);
  });

  it('biases of keys, as 0', async () => {
    const { weights, report } = await open();
    const bias = weights['blocks.0.attn.qkv.bias']!;
    expect(bias.subarray(16, 32)).toEqual(new Float32Array(16));
    expect([...bias.subarray(0, 16), ...bias.subarray(32)].every((value) => value !== 0)).toBe(true);
    expect(report.notes).toContain('biases of keys are set to 0, because softmax cancels them');
  });

  it.each([
    ['sincos2d', sincos2d],
    ['sincos1d', sincos1d],
  ])('fixed positions, as %s', async (kind, table) => {
    const values = new Float32Array(5 * 16);
    values.set(table([2, 2], 16), 16);
    const tensor: NamedTensor = { dtype: 'F32', shape: [1, 5, 16], data: values };
    expect((await open((tensors) => tensors.set('pos_embed', tensor))).encoder.positions).toBe(kind);
    values[20]! += 0.1;
    expect((await open((tensors) => tensors.set('pos_embed', tensor))).encoder.positions).toBe('learned');
  });
});

describe('settings next to the weights', () => {
  const beside = async (fixture: string, config: unknown, file = 'config.json') => {
    const model = join(folder, fixture);
    await cp(weightsFixture(fixture), model, { recursive: true });
    await writeFile(join(model, file), typeof config === 'string' ? config : JSON.stringify(config));
    return openModel(model);
  };

  it.each<[string, string, unknown, string]>([
    [
      'another model',
      'hf-vit',
      { model_type: 'swin' },
      'model_type: model_type must be vit, vit_mae or beit, got "swin"',
    ],
    [
      'another activation',
      'hf-vit',
      { model_type: 'vit', hidden_act: 'gelu_new' },
      'hidden_act must be gelu, the exact one, got "gelu_new"',
    ],
    [
      'heads below 1',
      'hf-vit',
      { model_type: 'vit', num_attention_heads: 0 },
      'config.json: num_attention_heads: ',
    ],
    [
      'another architecture',
      'timm-mean-of-normed',
      { architecture: 'resnet50' },
      'plain Vision Transformers (vit_*), got "resnet50"',
    ],
    [
      'an activation in a name',
      'timm-mean-of-normed',
      { architecture: 'vit_base_patch32_siglip_gap_256' },
      'the activation must be the exact GELU, got "siglip"',
    ],
    ['text', 'hf-vit', '{', 'config.json: settings must be JSON'],
  ])('%s are refused', async (_, fixture, config, message) => {
    await expect(beside(fixture, config)).rejects.toThrow(message);
    await expect(beside(fixture, config)).rejects.toThrow(FileFormatError);
  });

  it('may lie in the metadata, as this project exports', async () => {
    const { tensors } = await readSafetensors(weightsFixture('timm-token.safetensors'));
    const stated = { architecture: 'vit_tiny_patch16_224', arguments: '{"num_heads":2}' };
    await writeSafetensors(path, tensors, stated);
    expect((await openModel(path)).encoder.heads).toBe(2);
    await writeSafetensors(path, tensors, { ...stated, arguments: '{' });
    await expect(openModel(path)).rejects.toThrow('settings must be JSON');
  });

  it('give the crop of images', async () => {
    const cropped = {
      size: { shortest_edge: 40 },
      crop_size: { height: 32, width: 32 },
      do_center_crop: true,
    };
    const model = await beside('hf-mae', cropped, 'preprocessor_config.json');
    expect(model.evaluationCrop).toBe(0.8);
    expect(model.normalisation.mean).toEqual([0.5, 0.5, 0.5]); // the processor's default
    const { normalisation, evaluationCrop } = await openModel(weightsFixture('timm-mean-of-normed'));
    expect({ normalisation, evaluationCrop }).toEqual({
      normalisation: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
      evaluationCrop: 0.9,
    });
  });
});

it('a usual size has the usual heads, and says that they were assumed', async () => {
  const specs = encoderParameters(modelConfig('base', { classToken: true, positions: 'learned' }));
  const tensors = new Map(specs.map(({ name, shape }) => [name, { dtype: 'F32' as const, shape }]));
  const read = async (names: readonly string[]) =>
    new Map(names.map((name) => [name, floats(...tensors.get(name)!.shape)]));
  const file = {
    path,
    format: 'safetensors',
    tensors,
    metadata: {},
    settings: {},
    others: [],
    notes: [],
    read,
  } as const;
  const { description } = await understandForeign(file, { unusualHeads: 6 });
  expect(description.encoder).toMatchObject({ width: 768, heads: 12, image: [224, 224], patch: 16 });
  expect(description.report.notes).toContain(
    'the file does not give heads and activation: assuming 12 heads, as usual for this size, and GELU',
  );
});
