import { expect, it } from 'vitest';
import { parseConfig } from '../config/schema.ts';
import type { CheckpointInfo } from '../run/checkpoint.ts';
import { modelEngine } from './model-engine.ts';

const runOn = (name: 'reference' | 'xla', devices?: number) => {
  const { engine, ...config } = parseConfig({ engine: { name } } as object);
  return { config: { ...config, engine: { ...engine, devices } } } as unknown as CheckpointInfo;
};

it('takes the engine of the run', async () => {
  const engine = await modelEngine({ run: runOn('reference') }, {});
  expect(engine.name).toBe('reference');
});

it('takes the default one where that of the run cannot be opened, and says so', async () => {
  const notes: string[] = [];
  const run = runOn('xla', 4096); // no plugin, or too few devices;
  const engine = await modelEngine({ run }, { onNote: (note) => notes.push(note) });
  expect(['onnx', 'onednn']).toContain(engine.name);
  expect(notes[0]).toContain(`${engine.description} computes instead`);
});
