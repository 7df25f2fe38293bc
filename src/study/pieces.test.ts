import { describe, expect, it } from 'vitest';
import { finetuneFlops, stepFlops } from '../config/cost.ts';
import { pretrainConfig } from './arms.ts';
import { planStudy } from './plan.ts';
import { parseStudy } from './schema.ts';

/** 100 images, batches of 16: 96 an epoch; with a tenth of the labels, 10 in batches of 4: 8. */
const given = {
  arms: ['scratch', 'masked', 'zoomed-in'],
  seeds: [4, 7],
  pretrain: {
    model: {
      image: [16, 16],
      patch: 4,
      width: 24,
      depth: 2,
      heads: 2,
      decoder: { width: 16, depth: 1, heads: 2 },
    },
    training: { epochs: 30, batchSize: 16, warmupEpochs: 3 },
  },
  knn: {},
  finetune: [{ data: { labels: 0.1 }, training: { epochs: 20, batchSize: 4, warmupEpochs: 2 } }],
};
const study = parseStudy(given);
const images = { train: 100, classes: 5, labelled: (share: number) => 100 * share };
const { pieces, cells } = planStudy(study, () => images);
const piece = (id: string) => pieces.find((candidate) => candidate.id === id)!;
const cell = (budget: string, arm: string, judge: string) =>
  cells.find((c) => c.budget === budget && c.arm === arm && c.judge === judge && c.seed === 4)!;

const [group] = study.groups;
const config = pretrainConfig(group!, group!.arms[1]!, 4);
const [masked, zoomed] = [stepFlops(config, true) * 96, stepFlops(config, false) * 96];
const tuned = finetuneFlops(config, 5) * 8;

describe('planStudy', () => {
  it('judges every arm of every seed under both budgets', () => {
    expect(cells).toHaveLength(2 * 3 * 2 * 2);
    expect(new Set(cells.map((c) => `${c.budget} ${c.arm} ${c.seed} ${c.judge}`)).size).toBe(24);
  });

  it('makes one piece of what budgets have in common, models before their judges', () => {
    const ids = pieces.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(cell('steps', 'masked', 'kNN').piece).toBe(cell('compute', 'masked', 'kNN').piece);
    expect(cell('steps', 'scratch', 'kNN').piece).toBe(cell('compute', 'scratch', 'kNN').piece);
    for (const [i, p] of pieces.entries()) if ('from' in p) expect(ids.slice(0, i)).toContain(p.from);
  });

  it('trains for equal steps as the settings say', () => {
    expect(piece('masked-30ep-seed4')).toMatchObject({ flops: 30 * masked });
    expect(piece('zoomed-in-30ep-seed4')).toMatchObject({ flops: 30 * zoomed });
    const from = 'zoomed-in-30ep-seed4';
    expect(piece(`${from}-finetune10-20ep`)).toMatchObject({ from, flops: 20 * tuned });
    expect(cell('steps', 'scratch', 'fine-tune 10 %').piece).toBe('scratch-seed4-finetune10-20ep');
  });

  it('spends at equal compute what the first pre-trained arm costs, to a rounded epoch', () => {
    const epochs = Math.round((30 * masked) / zoomed);
    expect(epochs).toBeLessThan(30);
    const { model } = cell('compute', 'zoomed-in', 'kNN');
    expect(model).toBe(`zoomed-in-${epochs}ep-seed4`);
    expect(Math.abs(piece(model).flops - 30 * masked)).toBeLessThanOrEqual(zoomed / 2);
    expect(piece(model).settings).toMatchObject({ training: { warmupEpochs: (3 * epochs) / 30 } });
    const scratch = piece(cell('compute', 'scratch', 'fine-tune 10 %').piece);
    const extra = Math.round((30 * masked) / tuned);
    expect(scratch.settings).toMatchObject({
      seed: 4,
      training: { epochs: 20 + extra, warmupEpochs: (2 * (20 + extra)) / 20 },
    });
    expect(Math.abs(scratch.flops - 20 * tuned - 30 * masked)).toBeLessThanOrEqual(tuned / 2);
  });

  it('refuses batches larger than the images with labels', () => {
    expect(() => planStudy(study, () => ({ ...images, labelled: () => 3 }))).toThrow(
      'training.batchSize of finetune must not exceed the images with labels, got 4 and 3 (10 %)',
    );
  });

  it('plans scratch alone', () => {
    const alone = planStudy(parseStudy({ ...given, arms: ['scratch'], seeds: [1] }), () => images);
    expect(alone.pieces.map(({ kind }) => kind)).toEqual(['initial', 'knn', 'finetune']);
  });
});
