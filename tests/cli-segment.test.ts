import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { beforeAll, expect, it } from 'vitest';
import { rng } from '../src/random/rng.ts';
import { commandLine } from './support/command-line.ts';
import { seed } from './support/random.ts';
import { randomSegmenter } from './support/random-checkpoint.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();
const { run } = commandLine(folder);

/** A run of `segment` on drawn shapes, trained in seconds. */
const tiny = [
  ...['image=16,16', 'patch=4', 'width=16', 'depth=1', 'heads=2'].map((setting) => `model.${setting}`),
  ...['epochs=4', 'batchSize=4', 'warmupEpochs=1', 'learningRate=0.3'].map(
    (setting) => `training.${setting}`,
  ),
  ...['pictures=2', 'every=2', 'stride=0.5'].map((setting) => `evaluation.${setting}`),
].flatMap((setting) => ['--set', setting]);

beforeAll(async () => {
  const size = ['--train', '8', '--val', '3', '--size', '24'];
  expect(await run('data', 'shapes', '--output', 'shapes', ...size)).toMatchObject({ code: 0 });
  const options = ['--data', 'masks:shapes', '--output', 'runs/shapes', '--engine', 'reference'];
  const made = await run('segment', ...options, '--tensorboard', ...tiny);
  expect(made.code).toBe(0);
  expect(made.out).toMatch(/masks of 8 images: 0 background [\d.]+ %/);
  expect(made.out).toMatch(/8 with masks of 4 classes, and 3 to evaluate on/);
  expect(made.out).toMatch(/epoch 4 done, step 8: loss [\d.]+, mIoU [\d.]+ %, mean accuracy/);
  expect(made.out).toMatch(/class +IoU\n/);
  expect(made.out).toMatch(/predict --from runs\/shapes masks:.*shapes@val --output runs\/shapes-predicted/);
});

/** Intersection over union of each class of masks in files, by plain loops. */
async function meanIoU(truth: string, predicted: string): Promise<number> {
  const counts = Array.from({ length: 4 }, () => ({ both: 0, either: 0 }));
  for (const name of await readdir(truth)) {
    const [t, p] = await Promise.all(
      [truth, predicted].map(async (path) => decode(await readFile(join(path, name)))),
    );
    expect([p!.width, p!.height, p!.channels]).toEqual([t!.width, t!.height, 1]);
    expect(p!.palette!.slice(0, 4)).toEqual(t!.palette!.slice(0, 4));
    for (const [k, count] of counts.entries())
      for (let i = 0; i < t!.data.length; i++) {
        const [inTruth, inPrediction] = [t!.data[i] === k, p!.data[i] === k];
        if (inTruth && inPrediction) count.both++;
        if (inTruth || inPrediction) count.either++;
      }
  }
  const present = counts.filter(({ either }) => either > 0);
  return present.reduce((sum, { both, either }) => sum + both / either, 0) / present.length;
}

it('predict writes masks that score as the run says, overlays, and continues', async () => {
  const images = ['masks:shapes@val', '--from', 'runs/shapes', '--output', 'predicted'];
  const made = await run('predict', ...images);
  expect(made).toMatchObject({ code: 0 });
  expect(made.out).toMatch(/00001\.png +background \d/);
  expect(made.out).toContain('3 masks and overlays written: predicted');
  const rows = (await readFile(join(folder, 'runs/shapes/metrics.jsonl'), 'utf8')).trim().split('\n');
  const best = Math.max(...rows.map((row) => Number(JSON.parse(row).mIoU ?? 0)));
  const scored = await meanIoU(join(folder, 'shapes/masks/val'), join(folder, 'predicted/masks'));
  expect(scored).toBeCloseTo(best, 12);
  expect(await readdir(join(folder, 'predicted/overlays'))).toEqual(['00001.png', '00002.png', '00003.png']);
  const table = JSON.parse(await readFile(join(folder, 'predicted/classes.json'), 'utf8'));
  expect(table.classes.map(({ name }: { name: string }) => name)).toEqual([
    'background',
    'disc',
    'box',
    'triangle',
  ]);

  const again = await run('predict', ...images);
  expect(again.out).toContain('0 masks and overlays written: predicted');
  // An image of another folder with the same name is another image; broken ones are named and left out.
  await writeFile(join(folder, 'broken.png'), 'no picture');
  const other = ['shapes/images/train/00001.png', 'broken.png'];
  const more = await run('predict', ...other, '--from', 'runs/shapes', '--output', 'predicted', '--json');
  expect(more.code).toBe(0);
  expect(more.err).toContain('broken.png');
  const [row] = more.out.trim().split('\n');
  expect(JSON.parse(row!)).toMatchObject({
    ...{ file: 'shapes/images/train/00001.png', height: 24, width: 24 },
    mask: join('predicted', 'masks', 'shapes/images/train/00001.png'),
  });
});

it('predict without an output shows the shares of classes, and refuses what does not fit', async () => {
  const shown = await run('predict', 'shapes/images/val', '--from', 'runs/shapes');
  expect(shown.out).toMatch(/image +1\. .*\n00001\.png +\w+ [\d.]+ %/);
  await writeFile(join(folder, 'predictions.jsonl'), '{"file": "a", "model": "b"}\n');
  const foreign = await run('predict', 'shapes/images/val', '--from', 'runs/shapes', '--output', '.');
  expect(foreign.code).toBe(1);
  expect(foreign.err).toMatch(/an output folder must be new or hold predictions, got \. with other lines/);
});

it('the report has the scores, the curves, and the pictures with a legend', async () => {
  const made = await run('report', 'runs/shapes', '--output', 'report.md');
  expect(made).toMatchObject({ code: 0 });
  const page = await readFile(join(folder, 'report.md'), 'utf8');
  expect(page).toMatch(/\| score \| steps \| segment linear, 4 epochs, mIoU \|/);
  expect(page).toMatch(/\| from scratch \| {2}\| [\d.]+ % \|/); // no interval: it is no share of images
  expect(page).toContain('## Segmentation');
  expect(page).toMatch(/!\[shapes, step 8\]\(report\/predictions-1\.png\)|predictions-1\.png/);
  const curves = await readFile(join(folder, 'runs/shapes/curves.svg'), 'utf8');
  expect(curves).toContain('pixel accuracy');
  expect(await readdir(join(folder, 'runs/shapes/tensorboard'))).toHaveLength(1);
});

it('settings and recipes are listed', async () => {
  const settings = await run('list', 'segment-settings');
  expect(settings.out).toContain('model.head.kind');
  const recipes = await run('list', 'recipes', '--filter', 'ade20k');
  expect(recipes.out).toMatch(/ade20k-base-upernet +mIoU 48\.1 %/);
  const wrong = await run('segment', '--recipe', 'shapes-micro-liner', '--data', 'masks:shapes');
  expect(wrong.err).toContain('unknown recipe of segment "shapes-micro-liner"');
});

it('predicted masks have the values of the training masks, whatever their gaps', async () => {
  const model = { image: [16, 16] as [number, number], patch: 4, width: 8, depth: 1, heads: 2 };
  await randomSegmenter(join(folder, 'gaps.safetensors'), rng(seed), { model }, ['a', 'b', 'c', 'd', 'e']);
  const images = ['masks:shapes@val', '--from', 'gaps.safetensors', '--output', 'gaps'];
  expect(await run('predict', ...images)).toMatchObject({ code: 0 });
  const { data } = decode(await readFile(join(folder, 'gaps/masks/00001.png')));
  const values = new Set(data);
  expect(values.size, `SEED=${seed}`).toBeGreaterThan(1);
  for (const value of values) expect([0, 10, 20, 30, 40]).toContain(value);
  const { classes } = JSON.parse(await readFile(join(folder, 'gaps/classes.json'), 'utf8'));
  expect(classes.map(({ value }: { value: number }) => value)).toEqual([0, 10, 20, 30, 40]);
});
