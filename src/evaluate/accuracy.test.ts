import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { normals, seed } from '../../tests/support/random.ts';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { tinyFinetuneSettings, tinyImages } from '../../tests/support/tiny-run.ts';
import { parseFinetuneConfig } from '../config/finetune-schema.ts';
import { BrokenImages } from '../data/load/broken.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import { openDataset } from '../data/sources/open.ts';
import { referenceEngine } from '../engines/reference/engine.ts';
import { rng } from '../random/rng.ts';
import { setUpClassifier } from '../run/setup-finetune.ts';
import { accuracy, rankAndLoss } from './accuracy.ts';
import { evaluate } from './evaluator.ts';

const folder = temporaryFolder();
let images: Dataset;
beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 14, 7);
  images = await openDataset(`classes:${join(folder, 'images')}`);
});

/** Scores of random weights on `dataset`, with this batch size. */
async function scores(dataset: Dataset, batchSize: number, seed: number) {
  const config = parseFinetuneConfig(tinyFinetuneSettings(folder));
  const setup = setUpClassifier(config, images.classes!);
  const { predict, specs } = setup.programs(batchSize);
  const random = rng(seed);
  const weights = specs.map(({ name, shape }) => [
    name,
    normals(
      random,
      shape.reduce((a, b) => a * b, 1),
    ),
  ]);
  const session = await referenceEngine.open(Object.fromEntries(weights));
  const done: number[] = [];
  const broken = new BrokenImages(() => {});
  const views = () => setup.testViews(dataset, { batchSize, broken });
  const found = await evaluate(accuracy(predict, views, dataset.length), session, {
    onProgress: (count) => done.push(count),
  });
  return { found, done };
}

it('evaluates every image once for any batch size', async () => {
  const one = await scores(images, 1, seed);
  for (const batchSize of [4, 5, 14]) {
    const { found, done } = await scores(images, batchSize, seed);
    expect(done.at(-1)).toBe(14);
    expect({ top1: found.top1, top5: found.top5 }, `seed ${seed}`).toEqual({
      top1: one.found.top1,
      top5: one.found.top5,
    });
    expect(found.top5).toBeTypeOf('number'); // of seven classes
    expect(found.evaluationLoss, `seed ${seed}`).toBeCloseTo(one.found.evaluationLoss!, 6);
  }
});

it('ignores unreadable images', async () => {
  const torn = join(folder, 'torn');
  await cp(join(folder, 'images'), torn, { recursive: true });
  await writeFile(join(torn, 'class3', '003.png'), 'no image');
  const { done } = await scores(await openDataset(`classes:${torn}`), 4, seed);
  expect(done.at(-1)).toBe(13);
});

it('ranks by probability, the lower class first at a tie', () => {
  const ranks = (logits: number[]) =>
    logits.map((_, label) => rankAndLoss(Float32Array.from(logits), label).rank);
  expect(ranks([3, 1, 2])).toEqual([0, 2, 1]);
  expect(ranks([2, 2, 2])).toEqual([0, 1, 2]);
  expect(ranks([Number.NaN, 1])).toEqual([1, 1]); // nothing is right where something is no number
  expect(rankAndLoss(Float32Array.of(1000, 0), 1).loss).toBe(1000);
});
