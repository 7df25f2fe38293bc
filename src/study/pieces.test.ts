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
const images = {
  ...{ train: 100, classes: 5 },
  labelled: (share: number) => 100 * share,
  annotated: () => ({ train: 10, classes: 3 }),
};
const { pieces, cells } = planStudy(study, () => images);
const piece = (id: string) => pieces.find((candidate) => candidate.id === id)!;
const cell = (budget: string, arm: string, judge: string) =>
  cells.find((c) => c.budget === budget && c.arm === arm && c.judge === judge && c.seed === 4)!;

const [group] = study.groups;
const config = pretrainConfig(group!, group!.arms[1]!, 4);
const [masked, zoomed] = [
  stepFlops({ ...config, task: { ...config.task, name: 'masked' } }) * 96,
  stepFlops({ ...config, task: { ...config.task, name: 'zoomed-in' } }) * 96,
];
const tuned = finetuneFlops(config, 5) * 8;

describe('planStudy', () => {
  it('judges every arm of every seed under both budgets', () => {
    expect(cells).toHaveLength(2 * 3 * 2 * 2);
    expect(new Set(cells.map((c) => `${c.budget} ${c.arm} ${c.seed} ${c.judge}`)).size).toBe(24);
  });

  it('makes one piece of a run that budgets have in common, models before their judges', () => {
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

  it('refuses batches larger than the images of pre-training', () => {
    expect(() => planStudy(study, () => ({ ...images, train: 15 }))).toThrow(
      'training.batchSize of pretrain must not exceed the images, got 16 and 15',
    );
  });

  it('plans scratch alone', () => {
    const alone = planStudy(parseStudy({ ...given, arms: ['scratch'], seeds: [1] }), () => images);
    expect(alone.pieces.map(({ kind }) => kind)).toEqual(['initial', 'knn', 'finetune']);
  });
});

describe('groups of arms', () => {
  const grouped = (more: object = {}) =>
    planStudy(
      parseStudy({
        ...given,
        arms: undefined,
        seeds: [4, 7],
        groups: [
          {
            name: 'A',
            budgets: ['steps'],
            arms: ['masked', { name: 'late', task: 'scratch', seeds: [7], judges: ['finetune'] }],
          },
          {
            name: 'B',
            budgets: ['compute'],
            judges: ['knn'],
            pretrain: { training: { epochs: 20 } },
            arms: ['masked', { name: 'short', task: 'zoomed-in', epochs: 10, settings: { seed: 99 } }],
          },
        ],
        ...more,
      }),
      () => images,
    );
  const ids = (plan: { pieces: readonly { id: string }[] }) => plan.pieces.map(({ id }) => id);

  it('have their own budgets, judges, seeds and epochs', () => {
    const plan = grouped();
    expect(plan.cells.map((c) => `${c.group} ${c.budget} ${c.arm} ${c.seed} ${c.judge}`)).toEqual([
      'A steps masked 4 kNN',
      'A steps masked 4 fine-tune 10 %',
      'A steps masked 7 kNN',
      'A steps masked 7 fine-tune 10 %',
      'A steps late 7 fine-tune 10 %',
      'B compute masked 4 kNN',
      'B compute short 4 kNN',
      'B compute masked 7 kNN',
      'B compute short 7 kNN',
    ]);
    const short = plan.cells.find((c) => c.arm === 'short')!;
    const found = plan.pieces.find(({ id }) => id === short.model)!;
    const epochs = Math.round((20 * masked) / zoomed);
    expect(found).toMatchObject({ id: `short-${epochs}ep-seed4`, settings: { seed: 4 } });
    expect(found.updates).toBe(6 * epochs);
  });

  it('run in the given order, all judges of a trained model before the next model', () => {
    const order = [
      { group: 'B', seeds: [7] },
      { group: 'A', arms: ['late'] },
      { group: 'A', seeds: [7] },
    ];
    const all = ids(grouped({ order }));
    expect(all.sort()).toEqual(ids(grouped()).sort());
    expect(ids(grouped({ order })).filter((id) => !/-(knn|finetune)/.test(id))).toEqual([
      'masked-20ep-seed7',
      expect.stringMatching(/^short-\d+ep-seed7$/),
      'late-seed7',
      'masked-30ep-seed7',
      'masked-30ep-seed4',
      'masked-20ep-seed4',
      expect.stringMatching(/^short-\d+ep-seed4$/),
    ]);
    let model = '';
    for (const piece of grouped({ order }).pieces)
      if ('from' in piece) expect(piece.from).toBe(model);
      else model = piece.id;
  });

  it('share the pieces that they have in common, judged by all at once', () => {
    const plan = grouped({
      groups: [
        { name: 'A', budgets: ['steps'], judges: ['knn'], arms: ['masked', 'distorted'] },
        { name: 'B', budgets: ['steps'], judges: ['finetune'], arms: ['masked'] },
      ],
      seeds: [4],
    });
    expect(ids(plan)).toEqual([
      'masked-30ep-seed4',
      'masked-30ep-seed4-knn',
      'masked-30ep-seed4-finetune10-20ep',
      'distorted-30ep-seed4',
      'distorted-30ep-seed4-knn',
    ]);
  });

  it('refuse a primary question to a judge that they do not have', () => {
    const primary = { group: 'B', judge: 'fine-tune 10 %', arms: ['masked', 'short'] };
    expect(() => grouped({ primary })).toThrow(
      'primary must name a judge of its group, got "fine-tune 10 %" (kNN)',
    );
  });

  it('refuse one name for different settings', () => {
    const settings = { training: { weightDecay: 0.3 } };
    const groups = [
      { name: 'A', arms: ['masked'] },
      { name: 'B', arms: [{ name: 'masked', task: 'masked', settings }] },
    ];
    expect(() => grouped({ groups })).toThrow(
      'arms with different settings must have different names, got two kinds of masked-30ep-seed4',
    );
  });
});
