import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FinetuneInput } from '../src/config/finetune-schema.ts';
import { finetune } from '../src/finetune.ts';
import { pretrain } from '../src/pretrain.ts';
import { runFolder } from '../src/run/folder.ts';
import { stopAt } from './support/stop-at.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyFinetuneSettings, tinyImages, tinySettings } from './support/tiny-run.ts';

// 15 updates, 5 an epoch; a checkpoint every 2 and at the end of each epoch; everything random is on.
const folder = temporaryFolder();
const images = join(folder, 'images');
const pretrained = join(folder, 'pretrained');
let whole: Awaited<ReturnType<typeof readRun>>;
let runs = 0;

beforeAll(async () => {
  await tinyImages(images, 27);
  const source = `classes:${images}`;
  const given = { training: { maxSteps: 1 }, model: { depth: 2 } };
  await pretrain(tinySettings(source, { ...given, evaluation: { reconstructions: 0 } }), {
    output: pretrained,
  });
  const output = newOutput();
  await finetune(settings(), { output, from: pretrained });
  whole = await readRun(output);
  expect(whole.rows).toHaveLength(15);
});

function settings(more: FinetuneInput = {}): FinetuneInput {
  return tinyFinetuneSettings(`classes:${images}`, {
    data: { randAugment: 'rand-m9-mstd0.5-inc1' },
    training: { microBatch: 2, mixMode: 'element', ema: 0.8, clip: 1 },
    engine: { name: 'onnx', threads: 1 },
    ...more,
  });
}

const newOutput = () => join(folder, `run-${runs++}`);

/** Rows without what depends on the clock, and every checkpoint byte for byte. */
async function readRun(output: string) {
  const files = runFolder(output);
  const lines = (await readFile(files.metrics, 'utf8')).trim().split('\n');
  const rows = lines.map((line) => {
    const { seconds, imagesPerSecond, ...row } = JSON.parse(line);
    return row;
  });
  const names = (await readdir(files.checkpoints)).sort();
  const checkpoints = await Promise.all(names.map((name) => readFile(join(files.checkpoints, name))));
  return { rows, names, checkpoints };
}

const until = (step: number, output: string, how: 'signal' | 'error', resume = false) =>
  stopAt(step, how, (options) => finetune(settings(), { output, resume, from: pretrained, ...options }));

describe('a resumed run of fine-tuning is the run that was never interrupted', () => {
  it.each([
    ['signal', 0],
    ['signal', 8],
    ['error', 0],
    ['error', 5],
    ['error', 9],
    ['error', 15],
  ] as const)('stopped by %s at step %i', async (how, step) => {
    const output = newOutput();
    await until(step, output, how);
    await finetune({}, { output, resume: true });
    expect(await readRun(output)).toEqual(whole);
  });

  it('stopped three times', async () => {
    const output = newOutput();
    await until(3, output, 'error');
    await until(7, output, 'signal', true);
    await until(12, output, 'error', true);
    await finetune(settings(), { output, resume: true });
    expect(await readRun(output)).toEqual(whole);
  });
});

it('a run goes on with more epochs, but not from other weights or as another kind', async () => {
  const output = newOutput();
  await finetune(settings({ training: { epochs: 1 } }), { output });
  await expect(finetune({}, { output, resume: true, from: pretrained })).rejects.toThrow(
    /a run must keep its settings, got from "" → ".*--from$/,
  );
  await expect(pretrain({}, { output, resume: true })).rejects.toThrow(
    `${output} must hold a run of pretrain, got one of finetune`,
  );
  await expect(finetune({}, { output: pretrained, resume: true })).rejects.toThrow(
    `${pretrained} must hold a run of finetune, got one of pretrain`,
  );
  const longer = await finetune({ training: { epochs: 2, microBatch: 1 } }, { output, resume: true });
  expect(longer).toMatchObject({ outcome: 'finished', step: 10 });
});
