import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SegmentInput } from '../src/config/segment-schema.ts';
import { writeShapes } from '../src/data/shapes/write.ts';
import { pretrain } from '../src/pretrain.ts';
import { runFolder } from '../src/run/folder.ts';
import { trainSegmenter } from '../src/segment.ts';
import { openModel } from '../src/weights/model.ts';
import { stopAt } from './support/stop-at.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages, tinySegmentSettings, tinySettings } from './support/tiny-run.ts';

// 9 updates, 3 an epoch; a checkpoint every 2 and at the end of each epoch; everything random is on, and batch norms keep statistics.
const folder = temporaryFolder();
const shapes = join(folder, 'shapes');
const pretrained = join(folder, 'pretrained');
let whole: Awaited<ReturnType<typeof readRun>>;
let runs = 0;

beforeAll(async () => {
  await writeShapes(shapes, { train: 13, val: 3, size: 20, seed: 5 });
  await tinyImages(join(folder, 'images'), 8);
  const given = { training: { maxSteps: 1 }, model: { depth: 2 }, evaluation: { reconstructions: 0 } };
  await pretrain(tinySettings(`classes:${join(folder, 'images')}`, given), { output: pretrained });
  const output = newOutput();
  await trainSegmenter(settings(), { output, from: pretrained });
  whole = await readRun(output);
  expect(whole.rows).toHaveLength(9);
});

function settings(more: SegmentInput = {}): SegmentInput {
  const head = { kind: 'upernet' as const, channels: 6, scales: [2, 1, 0.5], pools: [1, 2], auxiliary: 4 };
  return tinySegmentSettings(`masks:${shapes}`, {
    model: { head },
    training: { microBatch: 2, ema: 0.8, clip: 1 },
    ...more,
  });
}

const newOutput = () => join(folder, `run-${runs++}`);

/** Rows without what depends on the clock, and every checkpoint and picture byte for byte. */
async function readRun(output: string) {
  const files = runFolder(output);
  const lines = (await readFile(files.metrics, 'utf8')).trim().split('\n');
  const rows = lines.map((line) => {
    const { seconds, imagesPerSecond, ...row } = JSON.parse(line);
    return row;
  });
  const bytes = async (from: string) => {
    const names = (await readdir(from)).sort();
    return Promise.all(names.map(async (name) => [name, await readFile(join(from, name))] as const));
  };
  return { rows, checkpoints: await bytes(files.checkpoints), pictures: await bytes(files.predictions) };
}

const until = (step: number, output: string, how: 'signal' | 'error', resume = false) =>
  stopAt(step, how, (options) =>
    trainSegmenter(settings(), { output, resume, from: pretrained, ...options }),
  );

describe('a resumed run of segmentation is the run that was never interrupted', () => {
  it.each([
    ['signal', 0],
    ['signal', 5],
    ['error', 0],
    ['error', 4],
    ['error', 9],
  ] as const)('stopped by %s at step %i', async (how, step) => {
    const output = newOutput();
    await until(step, output, how);
    await trainSegmenter({}, { output, resume: true });
    expect(await readRun(output)).toEqual(whole);
  });

  it('stopped three times', async () => {
    const output = newOutput();
    await until(2, output, 'error');
    await until(5, output, 'signal', true);
    await until(7, output, 'error', true);
    await trainSegmenter(settings(), { output, resume: true });
    expect(await readRun(output)).toEqual(whole);
  });
});

it('its rows have the scores of both weights, and each class that occurs', () => {
  const last = whole.rows.at(-1);
  for (const score of ['mIoU', 'mAcc', 'aAcc', 'emaMIoU', 'emaAAcc']) {
    expect(last[score], score).toBeGreaterThanOrEqual(0);
    expect(last[score], score).toBeLessThanOrEqual(1);
  }
  expect(Object.keys(last.iou)).toContain('background');
  expect(whole.pictures.map(([name]) => name)).toEqual([3, 6, 9].map((step) => `step-0000000${step}.png`));
});

it('statistics of batch norms are trained along and kept with the classes', async () => {
  const output = newOutput();
  await trainSegmenter(settings({ data: { photometric: false } }), { output });
  const model = await openModel(output);
  expect(model.classes).toEqual(['background', 'disc', 'box', 'triangle']);
  expect(model.segmenter).toMatchObject({ classes: 4, head: { kind: 'upernet', taps: [0, 1, 1] } });
  const { 'head.fuse.bn.running_mean': mean, 'head.fuse.bn.running_var': variance } = model.weights;
  expect(mean!.some((value) => value !== 0)).toBe(true);
  expect(variance!.every((value) => value > 0 && value !== 1)).toBe(true);
});

it('a run trains for more epochs, but not with other classes', async () => {
  const output = newOutput();
  await trainSegmenter(settings({ training: { epochs: 1 } }), { output });
  const longer = await trainSegmenter({ training: { epochs: 2 } }, { output, resume: true });
  expect(longer).toMatchObject({ outcome: 'finished', step: 6 });
  expect(longer.best!.mIoU).toBeGreaterThan(0);
  const other = settings({ model: { head: { kind: 'linear' } } });
  await expect(trainSegmenter(other, { output, resume: true })).rejects.toThrow(
    'a run must keep its settings, got model.head.kind "upernet" → "linear"',
  );
});
