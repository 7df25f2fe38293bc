import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { decodeRle } from '../../detect/rle.ts';
import { largeScaleJitter } from '../decode/large-scale-jitter.ts';
import { writeShapes } from '../shapes/write.ts';
import type { Dataset } from '../sources/dataset.ts';
import { openDataset } from '../sources/open.ts';
import type { Batch } from './batch.ts';
import { BrokenImages } from './broken.ts';
import { evaluationBatches, type TrainingLoaderOptions, trainingBatches } from './loader.ts';
import { viewObjects } from './object-view.ts';

const folder = temporaryFolder();
const size = [40, 32] as const;
let shapes: Dataset; // with a semantic mask of each image too
beforeAll(async () => {
  await writeShapes(join(folder, 'shapes'), { train: 12, val: 0, size: 48, seed });
  const { boxes } = await openDataset(`boxes:${join(folder, 'shapes')}`);
  shapes = { ...(await openDataset(`masks:${join(folder, 'shapes')}`)), boxes: boxes! };
});

async function some(
  options: Partial<TrainingLoaderOptions>,
  { dataset = shapes, batches = 5 } = {},
): Promise<Batch[]> {
  const loader = trainingBatches(dataset, {
    ...{ batchSize: 4, size, seed, crop: largeScaleJitter({ scale: [0.5, 2] }), objects: { masks: true } },
    ...options,
  });
  const got: Batch[] = [];
  for (let i = 0; i < batches; i++) got.push((await loader.next()).value!);
  await loader.dispose();
  return got;
}

const comparable = (batches: readonly Batch[]) =>
  batches.map(({ indices, objects, view }) => ({ indices, objects, view }));

describe.each([false, true])('objects of training views (on threads: %s)', (threads) => {
  it('have the pixels of the semantic masks of the same views', async () => {
    let seen = 0;
    for (const { objects, masks, indices } of await some({ threads, masks: {} })) {
      expect(objects!.length).toBe(indices.length);
      for (const [slot, { classes, boxes, masks: own }] of objects!.entries()) {
        const together = new Uint8Array(size[0] * size[1]);
        for (const [i, mask] of own!.entries())
          for (const [k, inside] of decodeRle(mask!).entries()) if (inside) together[k] = classes[i]! + 1;
        const semantic = masks!.slice(slot * together.length, (slot + 1) * together.length);
        expect(together, `seed ${seed}`).toEqual(semantic.map((value) => (value === 255 ? 0 : value)));
        expect(boxes.length).toBe(4 * classes.length);
        seen += classes.length;
      }
    }
    expect(seen).toBeGreaterThan(20);
  });

  it('are the same from any cursor on, and without masks', async () => {
    const all = await some({ threads });
    const later = await some({ threads, cursor: all[1]!.cursor }, { batches: 3 });
    expect(comparable(later)).toEqual(comparable(all.slice(2)));
    const [bare] = await some({ threads, objects: { masks: false } }, { batches: 1 });
    for (const [slot, { drawn, ...rest }] of bare!.objects!.entries()) {
      expect(drawn).toEqual(all[0]!.objects![slot]!.drawn);
      const index = bare!.indices[slot]!;
      const objects = shapes.boxes!.of(index, drawn.image);
      expect({ drawn, ...rest }).toEqual(viewObjects(objects, drawn, { masks: false }));
      expect(rest.masks).toBeUndefined();
    }
  });

  it('an image whose annotations do not fit is named, and the next one takes its place', async () => {
    const file = join(folder, 'shapes/annotations/instances_train.json');
    const text = readFileSync(file, 'utf8');
    const json = JSON.parse(text);
    Object.assign(json.images[2], { width: 480, height: 48 });
    json.annotations = json.annotations.filter(({ image_id }: { image_id: number }) => image_id !== 3);
    writeFileSync(file, JSON.stringify(json));
    const dataset = await openDataset(`boxes:${join(folder, 'shapes')}`);
    writeFileSync(file, text);
    const broken = new BrokenImages(() => {});
    const batches = await some({ threads, broken }, { dataset, batches: 3 });
    expect(batches.flatMap(({ indices }) => [...indices])).not.toContain(2);
    expect([...broken.reasons]).toEqual([['00003.png', expect.stringContaining('got 48 × 480')]]);
    expect(batches.flatMap((batch) => batch.broken)).toEqual(['00003.png']);
  });
});

it('threads change nothing; without objects, and in the padding of the last batch', async () => {
  expect(comparable(await some({ threads: true }))).toEqual(comparable(await some({ threads: false })));
  expect((await some({ objects: undefined as never }, { batches: 1 }))[0]).not.toHaveProperty('objects');
  const crop = largeScaleJitter({ scale: [1, 1], flip: 0 });
  const last = [];
  for await (const batch of evaluationBatches(shapes, {
    ...{ batchSize: 5, size: [48, 48], seed, crop, objects: { masks: false } },
  }))
    last.push(batch);
  expect(last.map(({ objects }) => objects!.length)).toEqual([5, 5, 5]);
  const { objects, indices } = last[0]!;
  for (const [slot, { boxes }] of objects!.entries())
    expect([...boxes]).toEqual(shapes.boxes!.of(indices[slot]!, [48, 48]).flatMap(({ box }) => [...box]));
  const { boxes: _, ...bare } = shapes;
  expect(() => trainingBatches(bare, { batchSize: 1, size, seed, objects: { masks: true } })).toThrow(
    'objects are loaded where images have boxes',
  );
});
