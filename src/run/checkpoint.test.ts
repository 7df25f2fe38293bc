import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { tinySettings } from '../../tests/support/tiny-run.ts';
import { parseConfig } from '../config/schema.ts';
import { readSafetensors, writeSafetensors } from '../io/safetensors.ts';
import { initialise } from '../nn/init.ts';
import { inspectModel } from '../weights/inspect.ts';
import { readCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint-codec.ts';
import { finetuning } from './kinds/finetune.ts';
import { pretraining } from './kinds/pretrain.ts';
import { setUp } from './setup-pretrain.ts';

const config = parseConfig(tinySettings('images'));
const { specs } = setUp(config).programs(4);
const state = initialise(specs, 7);
const progress = {
  step: 5,
  skipped: 1,
  epoch: 1,
  cursor: { epoch: 1, position: 4 },
  data: '18-abc',
  engine: 'reference',
};

const folder = temporaryFolder();
const path = join(folder, 'step-00000005.safetensors');
beforeAll(async () => {
  const trained = specs.filter((spec) => spec.trainable);
  for (const slot of ['m', 'v'])
    for (const { name } of trained) state[`${slot}:${name}`] = state[name]!.map((x) => x * 2);
  await saveCheckpoint(path, {
    kind: pretraining,
    config,
    progress,
    state,
    parameters: specs,
    slots: ['m', 'v'],
  });
});

describe('a checkpoint', () => {
  it('has the same bytes in memory as in a file, and is read from them', async () => {
    const content = { kind: pretraining, config, progress, state, parameters: specs, slots: ['m', 'v'] };
    const parts = encodeCheckpoint(content).map(
      ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
    );
    const bytes = await readFile(path);
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    expect(decodeCheckpoint(bytes, path)).toEqual(await readCheckpoint(path));
    expect(() => decodeCheckpoint(bytes, 'mine', finetuning)).toThrow(
      'a checkpoint of kind "classifier" is needed, got "pretrain"',
    );
    expect(() => decodeCheckpoint(bytes.subarray(0, -1), 'mine')).toThrow('mine');
  });

  it('gives back what was saved', async () => {
    const read = await readCheckpoint(path);
    expect(read.config).toEqual(config);
    expect(read.progress).toEqual(progress);
    expect(read.state).toEqual(state);
    expect(read.weights.get('patch_embed.proj.weight')!.shape).toEqual([8, 3, 4, 4]);
  });

  it('says its kind; one that does not is of pre-training', async () => {
    const other = join(folder, 'kinds.safetensors');
    const { metadata, tensors } = await readSafetensors(path);
    const { kind, ...older } = metadata;
    expect(kind).toBe('pretrain');
    await writeSafetensors(other, tensors, older);
    expect((await readCheckpoint(other)).state).toEqual(state);
    await expect(readCheckpoint(path, finetuning)).rejects.toThrow(
      'a checkpoint of kind "classifier" is needed, got "pretrain"',
    );
    await writeSafetensors(other, tensors, { ...metadata, kind: 'classifier' });
    await expect(readCheckpoint(other)).rejects.toThrow('of kind "pretrain" is needed, got "classifier"');
  });

  it('is distinguished from other files', async () => {
    const other = join(folder, 'other.safetensors');
    await writeSafetensors(other, new Map(), { format: 'pt' });
    await expect(readCheckpoint(other)).rejects.toThrow(
      'says format "beyond-masking" in its metadata, got "pt"',
    );
    await writeSafetensors(other, new Map(), { format: 'beyond-masking', formatVersion: '9' });
    await expect(readCheckpoint(other)).rejects.toThrow(
      'version of the checkpoint\'s format must be 1, got "9"',
    );
    const { metadata } = await readSafetensors(path, { names: [] });
    await writeSafetensors(other, new Map(), { ...metadata, config: '{"seed":-1}' });
    await expect(readCheckpoint(other)).rejects.toThrow('settings must be valid, got "seed must be');
    await writeSafetensors(other, new Map(), { ...metadata, progress: '{"step":1}' });
    await expect(readCheckpoint(other)).rejects.toThrow('must hold settings and progress');
    await writeFile(other, 'not safetensors at all');
    await expect(readCheckpoint(other)).rejects.toThrow(other);
  });

  it('is described by its parts', async () => {
    const { model, parts } = await inspectModel(path);
    expect(model!.run!.progress.step).toBe(5);
    const values = Object.fromEntries(parts.map((part) => [part.part, part.values]));
    const total = (wanted: (name: string, trained: boolean) => boolean) =>
      specs.filter((s) => wanted(s.name, s.trainable)).reduce((sum, s) => sum + state[s.name]!.length, 0);
    const ofDecoder = (name: string) => /^(decoder|mask_token)/.test(name);
    expect(values).toEqual({
      encoder: total((name) => !ofDecoder(name)),
      decoder: total(ofDecoder),
      optimizer: 2 * total((_, trained) => trained),
    });
  });
});
