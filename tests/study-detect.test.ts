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
import { judgedStudy, refusesWrongSettings } from './support/head-judge.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages, tinySettings } from './support/tiny-run.ts';

const folder = temporaryFolder();
const shapes = join(folder, 'shapes');
beforeAll(async () => {
  await writeShapes(shapes, { train: 5, val: 3, size: 24, seed: 4 });
  await tinyImages(join(folder, 'images'), 12);
});

const detect = {
  data: { source: `boxes:${shapes}` },
  model: {
    ...{ image: [16, 16], window: 0 },
    head: { channels: 8, scales: [2, 1, 0.5], convolutions: 1, hidden: 8 },
  },
  training: {
    ...{ epochs: 2, batchSize: 2, warmupEpochs: 0, dropPath: 0, proposals: 10, rois: 8 },
  },
  // Nothing is left out: a network of two epochs is not sure of anything.
  evaluation: { pictures: 0, proposals: 10, leastScore: 0 },
};
const given = (more: object = {}) => ({
  arms: ['scratch', 'masked'],
  seeds: [1],
  budgets: ['steps'],
  pretrain: tinySettings(`folder:${join(folder, 'images')}`, { training: { epochs: 1 } }),
  detect,
  ...more,
});

describe('the judge detect', () => {
  it('trains a detector on each model, and tabulates box AP', async () => {
    const study = parseStudy(given());
    const [output, keep] = [join(folder, 'study'), join(folder, 'kept')];
    const { ran, tables } = await judgedStudy(study, { output, keep, column: 'boxAP' });
    expect(ran).toContain('masked-1ep-seed1-detect-2ep');
    expect(tables).toContain('| box AP | detect |');
    const { from, model } = JSON.parse(
      await readFile(join(output, 'runs', 'masked-1ep-seed1-detect-2ep', 'config.json'), 'utf8'),
    );
    expect(from).toBe(join(output, 'runs', 'masked-1ep-seed1'));
    expect(model.width).toBe(given().pretrain.model?.width);

    // From the kept files alone, elsewhere.
    const plan = await keptPlan(study, keep);
    expect(plan).toEqual(await openPlan(study));
    const scores = JSON.parse(
      await readFile(join(keep, 'masked-1ep-seed1-detect-2ep', 'scores.json'), 'utf8'),
    );
    expect(Object.keys(scores)).toEqual(expect.arrayContaining(['boxAP', 'maskAP', 'proposalRecall']));
    const blocks = studyPage(
      study,
      plan,
      await readRecords(plan, { output: join(folder, 'elsewhere'), keep }),
    );
    const page = JSON.stringify(blocks);
    expect(page).toContain('["box AP, %","detect"]');
    expect(page).toContain(`Images of detection: boxes:${shapes}, judged on its val part.`);
  });

  it('stands beside the judge segment, on images of its own', async () => {
    const segment = { data: { source: `masks:${shapes}` }, training: { epochs: 1, batchSize: 4 } };
    const study = parseStudy(given({ segment }));
    const { pieces } = await openPlan(study);
    expect(pieces.map(({ kind }) => kind).sort()).toEqual(
      ['detect', 'detect', 'initial', 'pretrain', 'segment', 'segment'].sort(),
    );
    const page = JSON.stringify(studyPage(study, await openPlan(study), new Map()));
    expect(page).toContain('Images of segmentation: masks:');
    expect(page).toContain('Images of detection: boxes:');
  });

  refusesWrongSettings(
    'detect',
    { source: 'boxes:x', images: 'objects', example: 'boxes:PATH', misspelt: 'roi' },
    given,
  );

  it('images without objects, and a batch larger than them, are refused', async () => {
    const of = (more: object) => openPlan(parseStudy(given({ detect: { ...detect, ...more } })));
    await expect(of({ data: { source: `folder:${join(folder, 'images')}` } })).rejects.toThrow(
      'the judge detect needs images with objects: boxes:PATH',
    );
    await expect(of({ training: { ...detect.training, batchSize: 6 } })).rejects.toThrow(
      'training.batchSize of detect must not exceed the images, got 6 and 5',
    );
  });
});

it('the study of nuclei takes the models of group A as they are', async () => {
  const counts = ({ data }: Config): ImageCounts => ({
    ...{ train: data.source === 'cifar10' ? 50_000 : 274, classes: 10 },
    labelled: (share) => 50_000 * share,
    annotated: () => ({ train: 274, classes: 1 }),
  });
  const plan = async (name: string) => planStudy(await readStudy(`studies/${name}.json`), counts).pieces;
  const known = new Map((await plan('cifar10-protocol')).map((piece) => [piece.id, piece]));
  const pieces = await plan('nuclei-detect');
  const models = pieces.filter((piece) => !('from' in piece));
  expect(models).toHaveLength(6);
  for (const model of models) expect(model).toEqual(known.get(model.id));
  const judged = pieces.filter(({ kind }) => kind === 'detect');
  expect(judged).toHaveLength(6);
  for (const { id } of judged) expect(id).toMatch(/-detect-15ep$/);
});
