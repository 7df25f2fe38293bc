import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { referenceEngine } from '../src/engines/reference/engine.ts';
import { toFloat32 } from '../src/io/dtypes.ts';
import { readSafetensors, writeSafetensors } from '../src/io/safetensors.ts';
import type { AutoencoderConfig } from '../src/models/config.ts';
import { evaluateTask } from '../src/programs/evaluate-task.ts';
import { task } from '../src/tasks/table.ts';
import { openModel } from '../src/weights/model.ts';
import { relativeError, section } from './support/task-fixture.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

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
  epsilon: 1e-6,
  target: 'channel',
};

const folder = temporaryFolder();

it("agrees with the official code's loss and gradients for the distorted task", async () => {
  const { tensors, metadata } = await readSafetensors(path);
  const float = (name: string) => toFloat32(tensors.get(name)!);
  const file = join(folder, 'official.safetensors');
  const weights = [...tensors].filter(([name]) => name.startsWith('param.'));
  await writeSafetensors(
    file,
    new Map(weights.map(([name, tensor]) => [name.slice('param.'.length), tensor])),
  );
  const opened = await openModel(file, { heads: 3, decoderHeads: 2 });
  expect(opened.source).toBe('paper');
  expect(opened.decoder).toEqual(model);
  // Position tables are not stored there: ours are tested along.
  expect(opened.report.missing.map(({ name }) => name)).toEqual(['pos_embed', 'decoder_pos_embed']);
  expect(opened.report.tensors.filter(({ fate }) => fate === 'ignored')).toEqual([]);
  const got = await evaluateTask({
    model,
    task: task('distorted'),
    ...opened.normalisation,
    weights: opened.weights,
    view: float('view'),
    draws: { 'draw:centre': float('centre'), 'draw:magnitude': float('magnitude') },
    engine: referenceEngine,
  });
  expect(relativeError(got.degraded, float('input'))).toBeLessThan(1e-4);
  expect(relativeError([got.loss], [Number(metadata.loss)])).toBeLessThan(1e-4);
  const gradients = Object.entries(section(tensors, 'grad.'));
  expect(gradients).toHaveLength(5);
  for (const [name, gradient] of gradients) {
    const ours = opened.report.tensors.find(({ tensor }) => tensor === name)!.name!;
    expect(relativeError(got.gradients[ours]!, gradient), name).toBeLessThan(1e-4);
  }
});
