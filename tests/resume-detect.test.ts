import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DetectInput } from '../src/config/detect-schema.ts';
import { writeShapes } from '../src/data/shapes/write.ts';
import { trainDetector } from '../src/detect.ts';
import { pretrain } from '../src/pretrain.ts';
import type { DetectEvent } from '../src/run/events.ts';
import { runFolder } from '../src/run/folder.ts';
import { openModel } from '../src/weights/model.ts';
import { stopAt } from './support/stop-at.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyDetectSettings, tinyImages, tinySettings } from './support/tiny-run.ts';

// 9 updates, 3 an epoch; a checkpoint every 2 and at the end of each epoch; everything random is on.
const folder = temporaryFolder();
const shapes = join(folder, 'shapes');
const pretrained = join(folder, 'pretrained');
const notes: string[] = [];
let whole: Awaited<ReturnType<typeof readRun>>;
let runs = 0;

beforeAll(async () => {
  await writeShapes(shapes, { train: 13, val: 3, size: 20, seed: 5 });
  await tinyImages(join(folder, 'images'), 8);
  const given = { training: { maxSteps: 1 }, model: { depth: 2 }, evaluation: { reconstructions: 0 } };
  await pretrain(tinySettings(`classes:${join(folder, 'images')}`, given), { output: pretrained });
  const output = newOutput();
  const onEvent = (event: DetectEvent) => {
    if (event.type === 'note') notes.push(event.message);
  };
  await trainDetector(settings(), { output, from: pretrained, onEvent });
  whole = await readRun(output);
  expect(whole.rows).toHaveLength(9);
}, 180_000);

function settings(more: DetectInput = {}): DetectInput {
  return tinyDetectSettings(`boxes:${shapes}`, {
    training: { microBatch: 2, ema: 0.8, clip: 1 },
    evaluation: { every: 2 },
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
  stopAt(step, how, (options) => trainDetector(settings(), { output, resume, from: pretrained, ...options }));

describe('a resumed run of detection is the run that was never interrupted', () => {
  it.each([
    ['signal', 5],
    ['error', 4],
  ] as const)(
    'stopped by %s at step %i',
    async (how, step) => {
      const output = newOutput();
      await until(step, output, how);
      await trainDetector({}, { output, resume: true });
      expect(await readRun(output)).toEqual(whole);
    },
    180_000,
  );
});

it('its rows have the recall of proposals from the first epoch on, and the scores of both weights', () => {
  const [first, second] = [whole.rows[2], whole.rows[5]];
  expect(first.proposalRecall).toBeGreaterThanOrEqual(0);
  expect(first.boxAP).toBeUndefined();
  for (const score of ['boxAP', 'boxAP50', 'maskAP', 'maskAP50', 'emaBoxAP', 'proposalRecall']) {
    expect(second[score], score).toBeGreaterThanOrEqual(0);
    expect(second[score], score).toBeLessThanOrEqual(1);
  }
  expect(Object.keys(second.classAP).length).toBeGreaterThan(0);
  for (const { loss, objectnessLoss, proposalLoss, classLoss, boxLoss, maskLoss } of whole.rows)
    expect(objectnessLoss + proposalLoss + classLoss + boxLoss + maskLoss).toBeCloseTo(loss, 4);
  expect(whole.pictures.map(([name]) => name)).toEqual([6, 9].map((step) => `step-0000000${step}.png`));
});

it('says which tensors are new by design, and takes the rest of the encoder', async () => {
  expect(notes.join('\n')).toMatch(
    /encoder loaded from .*; new pyramid, proposals and heads for 3 classes\n.*\nnew by design, as for every detector that starts from an encoder: \d+ tensors named head\.\*/,
  );
  const model = await openModel(join(folder, 'run-0'));
  expect(model.classes).toEqual(['disc', 'box', 'triangle']);
  expect(model.detector).toMatchObject({ classes: 3, windows: { side: 3, global: [0, 1] } });
});

it('a run without masks learns boxes alone, and is not resumed with other settings', async () => {
  const output = newOutput();
  const boxes = settings({
    training: { epochs: 1, maxSteps: 2 },
    model: { head: { masks: false } },
    evaluation: { pictures: 0 },
  });
  const { best } = await trainDetector(boxes, { output });
  expect(best!.boxAP).toBeGreaterThanOrEqual(0);
  const row = JSON.parse((await readFile(runFolder(output).metrics, 'utf8')).trim().split('\n').at(-1)!);
  expect(row.boxLoss).toBeGreaterThan(0);
  expect(row.maskLoss).toBeUndefined();
  expect(row.maskAP).toBeUndefined();
  const other = settings({ model: { head: { masks: false, hidden: 16 } } });
  await expect(trainDetector(other, { output, resume: true })).rejects.toThrow(
    'a run must keep its settings, got model.head.hidden 8 → 16',
  );
}, 180_000);
