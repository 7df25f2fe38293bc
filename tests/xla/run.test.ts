import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/schema.ts';
import { pretrain } from '../../src/pretrain.ts';
import { openEngine } from '../../src/run/engine.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tinyImages, tinySettings } from '../support/tiny-run.ts';
import { cpuPlugin } from '../support/xla.ts';

const folder = temporaryFolder();

beforeAll(async () => {
  process.env.BEYOND_MASKING_PJRT_PLUGIN = await cpuPlugin();
  await tinyImages(join(folder, 'images'), 27);
});

const settings = (maxSteps = 0) =>
  tinySettings(`classes:${join(folder, 'images')}`, {
    task: { name: 'masked' },
    training: { clip: 1, maxSteps },
    evaluation: { knnEvery: 3, reconstructions: 1 },
    engine: { name: 'xla' },
  });

async function newest(run: string): Promise<Buffer> {
  const checkpoints = join(folder, run, 'checkpoints');
  return readFile(join(checkpoints, (await readdir(checkpoints)).sort().at(-1)!));
}

it('a run on XLA that goes on ends as one that was never interrupted, bit for bit', async () => {
  await pretrain(settings(), { output: join(folder, 'whole') });
  await pretrain(settings(7), { output: join(folder, 'parts') });
  const engines: string[] = [];
  const { outcome } = await pretrain(settings(), {
    output: join(folder, 'parts'),
    resume: true,
    onEvent: (event) => event.type === 'start' && engines.push(event.engine),
  });
  expect(outcome).toBe('finished');
  expect(engines).toEqual(['XLA (cpu: cpu, f32)']);
  expect((await newest('parts')).equals(await newest('whole'))).toBe(true);
});

it('engines are opened as the settings say', async () => {
  const training = { batchSize: 198, microBatch: 1 }; // what 2 and 99 devices can share
  const open = async (engine: object) => openEngine(parseConfig({ engine, training } as object).engine);
  expect((await open({ name: 'auto' })).description).toBe('XLA (cpu: cpu, f32)'); // the plugin that is named
  expect((await open({ name: 'xla', precision: 'bf16', devices: 2 })).description).toBe(
    'XLA (cpu: 2 × cpu, bf16)',
  );
  await expect(open({ name: 'xla', devices: 99 })).rejects.toThrow(
    'must not exceed the devices found, got 99 and 4',
  );
  await expect(open({ name: 'reference', precision: 'bf16' })).rejects.toThrow(
    'engine.precision takes engine.name auto or onednn or xla, got reference',
  );
  await expect(open({ name: 'onnx', devices: 2 })).rejects.toThrow(
    'engine.devices takes engine.name xla, got onnx',
  );
  await expect(open({ name: 'xla', attention: 'fused' })).rejects.toThrow(
    'engine.attention fused takes an NVIDIA GPU of compute capability 8.0 or above and bf16, got cpu, f32',
  );
  await expect(open({ name: 'onnx', attention: 'fused' })).rejects.toThrow(
    'engine.attention takes engine.name xla, got onnx',
  );
  await expect(open({ name: 'onnx', gradients: 'bf16' })).rejects.toThrow(
    'engine.gradients takes engine.name xla, got onnx',
  );
  await expect(open({ name: 'xla', gradients: 'bf16' })).rejects.toThrow(
    'engine.gradients bf16 requires engine.precision bf16, got f32',
  );
});

it('auto falls back to the CPU engine where no accelerator is found', async () => {
  const { BEYOND_MASKING_PJRT_PLUGIN, BEYOND_MASKING_CACHE, VIRTUAL_ENV, CONDA_PREFIX } = process.env;
  const before = { BEYOND_MASKING_PJRT_PLUGIN, BEYOND_MASKING_CACHE, VIRTUAL_ENV, CONDA_PREFIX };
  for (const name of Object.keys(before)) delete process.env[name];
  process.env.BEYOND_MASKING_CACHE = join(folder, 'empty');
  try {
    const engine = await openEngine(parseConfig({ engine: { name: 'auto' } }).engine);
    expect(['onednn', 'onnx']).toContain(engine.name);
    await (await engine.open({})).dispose();
    await expect(openEngine(parseConfig({ engine: { name: 'xla' } }).engine)).rejects.toThrow(
      'the xla engine needs a PJRT plugin with a device, got none',
    );
  } finally {
    for (const [name, value] of Object.entries(before)) {
      delete process.env[name];
      if (value !== undefined) process.env[name] = value;
    }
  }
});
