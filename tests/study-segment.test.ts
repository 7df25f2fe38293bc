import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../src/config/schema.ts';
import { writeShapes } from '../src/data/shapes/write.ts';
import { keptPlan, openPlan } from '../src/study/images.ts';
import { studyPage } from '../src/study/page.ts';
import type { ImageCounts } from '../src/study/pieces.ts';
import { planStudy } from '../src/study/plan.ts';
import { readRecords } from '../src/study/results.ts';
import { parseStudy, readStudy } from '../src/study/schema.ts';
import { runStudy } from '../src/study/study.ts';
import { judgedStudy, refusesWrongSettings } from './support/head-judge.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages, tinySettings } from './support/tiny-run.ts';

const folder = temporaryFolder();
const shapes = join(folder, 'shapes');
beforeAll(async () => {
  await writeShapes(shapes, { train: 9, val: 3, size: 20, seed: 4 });
  await tinyImages(join(folder, 'images'), 12);
});

const given = (more: object = {}) => ({
  arms: [
    'scratch',
    'masked',
    { name: 'masked, on shapes', task: 'masked', settings: { data: { source: `masks:${shapes}` } } },
  ],
  seeds: [1, 2],
  budgets: ['steps'],
  // The images of pre-training need no classes where masks alone are judged by.
  pretrain: tinySettings(`folder:${join(folder, 'images')}`, { training: { epochs: 1 } }),
  segment: {
    data: { source: `masks:${shapes}` },
    model: { image: [16, 16] },
    training: { epochs: 2, batchSize: 4, warmupEpochs: 0, dropPath: 0 },
    evaluation: { pictures: 0 },
  },
  ...more,
});

describe('the judge segment', () => {
  it('trains a segmenter on each model, and tabulates mIoU', async () => {
    const study = parseStudy(given());
    const [output, keep] = [join(folder, 'study'), join(folder, 'kept')];
    const { ran, tables, scores } = await judgedStudy(study, { output, keep, column: 'mIoU' });
    expect(ran).toHaveLength(12);
    expect(ran).toContain('masked-on-shapes-1ep-seed2-segment-2ep');
    expect(tables).toContain('| mIoU | segment |');
    expect(tables).toContain('| difference | segment |');
    for (const score of scores) expect(score).toBeGreaterThan(0);
    const { from } = JSON.parse(
      await readFile(join(output, 'runs', 'masked-1ep-seed1-segment-2ep', 'config.json'), 'utf8'),
    );
    expect(from).toBe(join(output, 'runs', 'masked-1ep-seed1'));

    // From the kept files alone, elsewhere.
    const plan = await keptPlan(study, keep);
    expect(plan).toEqual(await openPlan(study));
    const places = { output: join(folder, 'elsewhere'), keep };
    const blocks = studyPage(study, plan, await readRecords(plan, places));
    const page = JSON.stringify(blocks);
    const drawn = blocks.map((block) => (block.kind === 'picture' ? String(block.picture.data) : '')).join();
    expect(page).toContain('["mIoU, %","segment"]');
    expect(drawn).toContain('mIoU, %</text>');
    expect(drawn).toContain('Loss, segment');
    expect(page).toContain(`Images of segmentation: masks:${shapes}, judged on its val part.`);
    const again: string[] = [];
    await runStudy(study, {
      output: places.output,
      keep,
      onEvent: ({ type }) => void (type === 'piece' && again.push(type)),
    });
    expect(again).toEqual([]);
  });

  it('at equal compute, scratch is trained for longer', async () => {
    const { pieces } = await openPlan(
      parseStudy(
        given({
          budgets: ['compute'],
          seeds: [1],
          arms: ['scratch', { name: 'masked', task: 'masked', epochs: 40 }],
        }),
      ),
    );
    const epochs = (id: RegExp) =>
      Number(pieces.map((piece) => id.exec(piece.id)?.[1]).find((found) => found));
    expect(epochs(/^scratch-seed1-segment-(\d+)ep$/)).toBeGreaterThan(2);
    expect(epochs(/^masked-40ep-seed1-segment-(\d+)ep$/)).toBe(2);
  });

  refusesWrongSettings(
    'segment',
    { source: 'masks:x', images: 'masks', example: 'masks:FOLDER', misspelt: 'epoch' },
    given,
  );

  it('images without masks, and a batch larger than them, are refused', async () => {
    const images = `folder:${join(folder, 'images')}`;
    const of = (segment: object) => openPlan(parseStudy(given({ segment })));
    await expect(of({ data: { source: images } })).rejects.toThrow(
      'the judge segment needs images with masks',
    );
    await expect(of({ data: { source: `masks:${shapes}` }, training: { batchSize: 10 } })).rejects.toThrow(
      'training.batchSize of segment must not exceed the images, got 10 and 9',
    );
  });
});

it('the study of nuclei takes the models of group A as they are', async () => {
  const counts = ({ data }: Config): ImageCounts => ({
    ...{ train: data.source === 'nuclei' ? 274 : 50_000, classes: 10 },
    labelled: (share) => 50_000 * share,
    annotated: () => ({ train: 274, classes: 2 }),
  });
  const plan = async (name: string) => planStudy(await readStudy(`studies/${name}.json`), counts).pieces;
  const known = new Map((await plan('cifar10-protocol')).map((piece) => [piece.id, piece]));
  const pieces = await plan('nuclei-segment');
  const models = pieces.filter((piece) => !('from' in piece));
  expect(models).toHaveLength(15);
  for (const seed of [0, 1, 2])
    for (const id of ['scratch', 'masked-20ep', 'masked-zoomed-in-20ep'])
      expect(models.find((piece) => piece.id === `${id}-seed${seed}`)).toEqual(
        known.get(`${id}-seed${seed}`),
      );
  const judged = pieces.filter(({ kind }) => kind === 'segment');
  expect(judged).toHaveLength(15);
  for (const { id } of judged) expect(id).toMatch(/-segment-30ep$/);
});
