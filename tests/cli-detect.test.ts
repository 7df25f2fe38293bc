import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { parseCocoResults, trueObjects } from '../src/data/boxes/results.ts';
import { openDataset } from '../src/data/sources/open.ts';
import { CocoEvaluation } from '../src/detect/coco-evaluation.ts';
import { commandLine } from './support/command-line.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();
const { run } = commandLine(folder);

/** A run of `detect` on drawn shapes, trained in seconds. */
const tiny = [
  ...['image=24,24', 'patch=4', 'width=16', 'depth=1', 'heads=2', 'window=0'].map(
    (setting) => `model.${setting}`,
  ),
  ...['channels=8', 'scales=2,1,0.5', 'convolutions=1', 'hidden=16'].map(
    (setting) => `model.head.${setting}`,
  ),
  ...['epochs=6', 'batchSize=4', 'warmupEpochs=1', 'learningRate=0.6', 'proposals=20', 'rois=16'].map(
    (setting) => `training.${setting}`,
  ),
  ...['pictures=2', 'every=3', 'proposals=20', 'detections=20'].map((setting) => `evaluation.${setting}`),
].flatMap((setting) => ['--set', setting]);

beforeAll(async () => {
  const size = ['--train', '8', '--val', '3', '--size', '24'];
  expect(await run('data', 'shapes', '--output', 'shapes', ...size)).toMatchObject({ code: 0 });
  const options = ['--data', 'boxes:shapes', '--output', 'runs/found', '--engine', 'onnx'];
  const made = await run('detect', ...options, '--tensorboard', ...tiny);
  expect(made.code).toBe(0);
  expect(made.out).toMatch(/annotations of 8 images: \d+ objects \(.*\), all with masks/);
  expect(made.out).toMatch(/8 with objects of 3 classes, and 3 to evaluate on/);
  expect(made.out).toMatch(/epoch 1 done, step 2: loss [\d.]+, recall of proposals [\d.]+ %\n/);
  expect(made.out).toMatch(
    /epoch 6 done, step 12: loss [\d.]+, recall .*, box AP [\d.]+ % \(AP50 [\d.]+ %\)/,
  );
  expect(made.out).toMatch(/class +box AP\n/);
  expect(made.out).toMatch(/predict --from runs\/found boxes:.*shapes@val --output runs\/found-predicted/);
}, 180_000);

it('predict writes results that score as the run says, pictures, and continues', async () => {
  const images = ['boxes:shapes@val', '--from', 'runs/found', '--output', 'predicted'];
  const made = await run('predict', ...images);
  expect(made).toMatchObject({ code: 0 });
  expect(made.out).toMatch(/00001\.png +\w+/);
  expect(made.out).toContain('3 pictures and results.json written: predicted');
  expect(await readdir(join(folder, 'predicted/pictures'))).toEqual(['00001.png', '00002.png', '00003.png']);

  const rows = (await readFile(join(folder, 'runs/found/metrics.jsonl'), 'utf8')).trim().split('\n');
  const all = rows.map((row) => JSON.parse(row)).filter(({ boxAP }) => boxAP !== undefined);
  const best = all.reduce((a, b) => (b.boxAP > a.boxAP ? b : a));
  const dataset = await openDataset(`boxes:${join(folder, 'shapes')}@val`);
  const text = await readFile(join(folder, 'predicted/results.json'), 'utf8');
  const found = parseCocoResults(text, 'results.json', dataset.boxes!, dataset.length);
  for (const [of, score] of [
    ['boxes', 'boxAP'],
    ['masks', 'maskAP'],
  ] as const) {
    const evaluation = new CocoEvaluation({ of, classes: 3 });
    for (let i = 0; i < dataset.length; i++)
      evaluation.add(trueObjects(dataset.boxes!.of(i, [24, 24]), [24, 24], true), found.get(i) ?? []);
    expect(evaluation.scores().AP).toBeCloseTo(best[score], 10);
  }

  const again = await run('predict', ...images);
  expect(again.out).toContain('0 pictures and results.json written: predicted');
  expect(await readFile(join(folder, 'predicted/results.json'), 'utf8')).toBe(text);
});

it('export writes the detector as one ONNX file, with a card', async () => {
  const made = await run('export', 'runs/found', '--format', 'onnx', '--output', 'detector');
  expect(made).toMatchObject({ code: 0 });
  expect(made.out).toContain('detector in detector\n');
  const { count, same, apart } =
    /(?<same>\d+) of (?<count>\d+) objects in noise are the model's; scores and boxes differ by (?<apart>\S+) at most/.exec(
      made.out,
    )!.groups!;
  expect(Number(count)).toBeGreaterThan(0);
  expect(Number(same)).toBeGreaterThanOrEqual(Number(count) - 1);
  expect(Number(apart)).toBeLessThan(1e-4);
  expect((await readdir(join(folder, 'detector'))).sort()).toEqual(['README.md', 'config.json', 'onnx']);
  const timm = await run('export', 'runs/found', '--format', 'timm', '--output', 'vit');
  expect(timm.code).toBe(1);
  expect(timm.err).toMatch(/the format timm has no detectors, got .*: export it with --format onnx/);
});

it('predict takes any image, names broken ones, and refuses what does not fit', async () => {
  await writeFile(join(folder, 'broken.png'), 'no picture');
  const other = ['shapes/images/train/00001.png', 'broken.png', '--from', 'runs/found', '--json'];
  const more = await run('predict', ...other);
  expect(more.code).toBe(0);
  expect(more.err).toContain('broken.png');
  expect(JSON.parse(more.out.trim().split('\n')[0]!)).toMatchObject({
    ...{ file: 'shapes/images/train/00001.png', height: 24, width: 24 },
    objects: expect.any(Array),
  });
  const features = await run(
    'embed',
    'shapes/images/val',
    '--from',
    'runs/found',
    '--output',
    'features.npy',
  );
  expect(features.code).toBe(1);
  expect(features.err).toContain('features need the norm behind the encoder');
});

it('images without objects, and settings that do not fit, end with one line', async () => {
  const none = await run('detect', '--data', 'masks:shapes', '--output', 'runs/none', ...tiny);
  expect(none.code).toBe(1);
  expect(none.err).toMatch(/images with objects are needed, got .* without any: give boxes:PATH with --data/);
  const scales = ['--set', 'model.head.scales=1,2'];
  const wrong = await run('detect', '--data', 'boxes:shapes', '--output', 'runs/none', ...tiny, ...scales);
  expect(wrong.err).toContain('model.head.scales must be some of 4, 2, 1 and 0.5, falling, got [1,2]');
});
