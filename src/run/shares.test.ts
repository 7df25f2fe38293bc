import { describe, expect, it } from 'vitest';
import { seed } from '../../tests/support/random.ts';
import { tinyFinetuneSettings, tinySettings } from '../../tests/support/tiny-run.ts';
import { parseFinetuneConfig } from '../config/finetune-schema.ts';
import { parseConfig } from '../config/schema.ts';
import type { Batch } from '../data/load/batch.ts';
import { BrokenImages } from '../data/load/broken.ts';
import { positionsOf, type Share } from '../data/load/sampler.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import type { Values } from '../graph/tensor.ts';
import { rng } from '../random/rng.ts';
import { setUpClassifier } from './setup-finetune.ts';
import { setUp } from './setup-pretrain.ts';

const IMAGES = 40;
const BATCH = 12;

const images: Dataset = {
  name: 'noise',
  length: IMAGES,
  contentKey: 'noise',
  classes: ['a', 'b', 'c'],
  labels: Int32Array.from({ length: IMAGES }, (_, i) => i % 3),
  id: String,
  async image(i) {
    const [width, height] = [9 + (i % 3), 12];
    const stream = rng(seed, 'image', i);
    return {
      width,
      height,
      channels: 3,
      data: Uint8Array.from({ length: 3 * width * height }, () => stream.int(256)),
    };
  },
};

interface Trained {
  inputs(batch: Batch): Values;
  trainingViews(
    dataset: Dataset,
    options: {
      batchSize: number;
      broken: BrokenImages;
      cursor: { epoch: number; position: number };
      share?: Share;
    },
  ): AsyncIterableIterator<Batch> & { dispose(): Promise<void> };
}

/** Inputs of the first batches, past the end of an epoch. */
async function inputsOf(setup: Trained, share?: Share): Promise<{ inputs: Values; cursor: object }[]> {
  const cursor = { epoch: 0, position: 0 };
  const views = setup.trainingViews(images, {
    batchSize: BATCH,
    broken: new BrokenImages(),
    cursor,
    ...(share && { share }),
  });
  const found = [];
  for (let i = 0; i < 5; i++) {
    const batch = (await views.next()).value as Batch;
    found.push({ inputs: setup.inputs(batch), cursor: batch.cursor });
  }
  await views.dispose();
  return found;
}

const config = (more: object) =>
  parseFinetuneConfig(tinyFinetuneSettings('unused', { seed, ...more } as never));
const classifier = (training: object) =>
  setUpClassifier(config({ training: { batchSize: BATCH, ...training } }), images.classes!);
const kinds: Record<string, () => Trained> = {
  'pre-training': () =>
    setUp(parseConfig(tinySettings('unused', { seed, training: { batchSize: BATCH } }))) as Trained,
  'mixup and CutMix by batch': () => classifier({ mixProbability: 0.7 }),
  'mixup and CutMix by image': () => classifier({ mixMode: 'element' }),
  'fine-tuning without mixing': () => classifier({ mixup: 0, cutmix: 0 }),
};

describe.each(Object.entries(kinds))('%s', (name, open) => {
  it.each([2, 3, 6, 4])(`on %i ranks has the images and draws of one process, seed ${seed}`, async (size) => {
    if (name.startsWith('mixup') && size === 4) return; // refused, see below
    const setup = open();
    const whole = await inputsOf(setup);
    for (let rank = 0; rank < size; rank++) {
      const positions = positionsOf(BATCH, { rank, size });
      for (const [i, { inputs, cursor }] of (await inputsOf(setup, { rank, size })).entries()) {
        expect(cursor).toEqual(whole[i]!.cursor);
        expect(Object.keys(inputs)).toEqual(Object.keys(whole[i]!.inputs));
        for (const [key, values] of Object.entries(inputs)) {
          const all = whole[i]!.inputs[key]!;
          const row = all.length / BATCH;
          const wanted = [...positions].flatMap((at) => [...all.subarray(at * row, (at + 1) * row)]);
          expect([...values], `${key} of rank ${rank}`).toEqual(wanted);
        }
      }
    }
  });
});

it('refuses shares that would part the pairs of mixup', () => {
  const views = () => inputsOf(classifier({}), { rank: 0, size: 4 });
  return expect(views()).rejects.toThrow(
    'the images of each rank must be an even number where mixup or CutMix mixes pairs of them, got 12 / 4: --batch-size 16',
  );
});
