import { describe, expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { rng } from '../../random/rng.ts';
import type { ConfigInput } from '../schema.ts';
import { adviseSettings } from './advise.ts';
import type { ImageFacts, MachineFacts } from './facts.ts';

const photographs: ImageFacts = {
  ...{
    images: 50_000,
    files: 50_000,
    labelled: false,
    tested: false,
    side: 480,
    channels: 3,
    correlationLength: 0.13,
  },
  readSeconds: 1e-4,
  blockCorrelation: 0.75,
  ...{ mean: [0.48, 0.45, 0.4], std: [0.27, 0.26, 0.27] },
};
const cores: MachineFacts = { flops: 140e9, how: 'assumed', memory: 24e9, accelerator: false };
const gpu: MachineFacts = { flops: 200e12, how: 'measured', memory: 100e9, accelerator: true };

describe(`adviseSettings (seed ${seed})`, () => {
  it('gives settings that fit each other, images and time, for any images', () => {
    for (let i = 0; i < 400; i++) {
      const random = rng(seed, i);
      const log = (low: number, high: number) => Math.exp(random.uniform(Math.log(low), Math.log(high)));
      const channels = [1, 3, 3, 3, 4, 12][random.int(6)]!;
      const images = Math.round(log(1, 2e7));
      const facts: ImageFacts = {
        ...{ images, files: images },
        labelled: random.int(2) === 1,
        tested: random.int(3) === 0,
        side: Math.round(log(1, 20_000)),
        channels,
        mean: Array.from({ length: channels }, () => random.uniform(0, 1)),
        std: Array.from({ length: channels }, () => random.uniform(0, 0.4)),
        correlationLength: log(0.001, 0.5),
        readSeconds: log(1e-5, 1),
        blockCorrelation: random.uniform(-0.1, 1),
      };
      const machine: MachineFacts = { ...cores, flops: log(1e10, 1e15), accelerator: random.int(2) === 1 };
      const seconds = log(10, 1e6);
      const what = JSON.stringify({ facts, machine, seconds });
      const {
        config,
        reasons,
        updates,
        notes,
        bytes,
        seconds: expected,
      } = adviseSettings(facts, machine, { seconds });
      const { model, training, task, data } = config;
      expect(model.image[0] % model.patch, what).toBe(0);
      expect([model.channels, data.mean.length, data.std.length], what).toEqual([
        channels,
        channels,
        channels,
      ]);
      expect(training.batchSize, what).toBeLessThanOrEqual(Math.max(1, facts.images));
      expect(training.epochs, what).toBeGreaterThanOrEqual(1);
      expect(task.maskRatio >= 0.5 && task.maskRatio <= 0.8, what).toBe(true);
      expect(updates > 0 && expected > 0 && bytes > 0, what).toBe(true);
      expect(
        expected <= seconds || notes.some((note) => note.includes('takes longer than the time')),
        what,
      ).toBe(true);
      expect(updates >= 1000 || notes.some((note) => note.startsWith('too few updates to learn')), what).toBe(
        true,
      );
      for (const { reason, source } of reasons)
        expect(reason.length > 0 && source.length > 0, what).toBe(true);
    }
  });

  it('given settings win, and count in the rest', () => {
    const given = {
      training: { epochs: 7, batchSize: 32 },
      data: { mean: [0.5, 0.5, 0.5], heldOut: 0.5 },
      task: { name: 'masked' },
    };
    const { config, settings, reasons, updates } = adviseSettings(photographs, cores, {
      seconds: 3600,
      given,
    });
    expect(config).toMatchObject(given);
    expect(updates).toBe(7 * Math.floor(25_000 / 32));
    expect(config.training.warmupEpochs).toBe(0.35);
    expect(settings.data).not.toHaveProperty('mean');
    expect(reasons.map(({ setting }) => setting)).not.toContain('training.epochs');
  });

  it('counts the updates and images of a training that given settings cut short', () => {
    const of = (given: ConfigInput) => adviseSettings(photographs, cores, { seconds: 3600, given });
    const [whole, cut] = [of({}), of({ training: { maxSteps: 5 } })];
    expect([cut.updates, cut.config.training.epochs]).toEqual([5, whole.config.training.epochs]);
    expect(cut.seconds / whole.seconds).toBeCloseTo(5 / whole.updates, 9);
    expect(cut.notes.join()).toContain(
      '5 updates, and 1,000 or more are wanted. Leave out training.maxSteps=5',
    );
    expect(of({ training: { maxSteps: 1e9 } }).updates).toBe(whole.updates);
    const few = of({ data: { trainImages: 10 } });
    expect(few.config.training.batchSize).toBe(8);
    expect(few.updates).toBe(few.config.training.epochs);
    expect(few.config).toMatchObject({ model: { width: 128 }, evaluation: { best: 'heldOutLoss' } });
    expect(of({ data: { trainImages: 1e6 } }).updates).toBe(whole.updates);
  });

  it('larger models, images and batches with more speed, time and images', () => {
    const width = (facts: Partial<ImageFacts>, machine: MachineFacts, seconds: number) =>
      adviseSettings({ ...photographs, ...facts }, machine, { seconds }).config.model;
    expect(width({}, cores, 1200)).toMatchObject({ width: 128, image: [96, 96], patch: 8 });
    expect(width({}, cores, 86_400)).toMatchObject({ width: 192, image: [128, 128] });
    expect(width({}, gpu, 3600)).toMatchObject({ width: 384, image: [224, 224], patch: 16 });
    expect(width({ images: 500_000, files: 500_000 }, gpu, 36_000)).toMatchObject({ width: 768, patch: 16 });
    expect(width({ images: 900, files: 900 }, gpu, 36_000)).toMatchObject({ width: 128 });
    expect(adviseSettings(photographs, gpu, { seconds: 3600 }).config.training.batchSize).toBe(1024);
  });

  it('correlation decides on patches and mask ratio', () => {
    const of = (correlationLength: number) =>
      adviseSettings({ ...photographs, correlationLength }, cores, { seconds: 1200 }).config;
    const found = [of(0.02), of(0.05), of(0.13), of(0.3), of(0.5)].map(({ model, task, data }) => ({
      ...{ patch: model.patch, ratio: task.maskRatio, crop: data.evaluationCrop, scale: data.scale },
    }));
    const whole = { ratio: 0.75, crop: 0.875, scale: [0.2, 1] };
    expect(found).toEqual([
      { patch: 8, ratio: 0.75, crop: 0.24, scale: [0.029, 0.12] }, // 96 of 480 pixels are 0.2: fine details, almost at their own size
      { patch: 8, ratio: 0.75, crop: 0.6, scale: [0.18, 0.72] },
      { patch: 8, ...whole },
      { patch: 16, ...whole },
      { patch: 16, ...whole },
    ]);
    const noise = adviseSettings({ ...photographs, correlationLength: 0.001 }, cores, {
      seconds: 1200,
    }).config;
    expect([noise.task.maskRatio, noise.data.evaluationCrop]).toEqual([0.6, 0.2]);
  });

  it('small images keep their pixels, whole ones are judged, and crops are gentle', () => {
    const small = {
      ...photographs,
      side: 28,
      channels: 1,
      mean: [0.29],
      std: [0.35],
      correlationLength: 0.12,
      labelled: true,
      tested: true,
    };
    const { config } = adviseSettings(small, cores, { seconds: 1200 });
    expect(config).toMatchObject({
      model: { image: [28, 28], patch: 14, channels: 1 },
      task: { name: 'masked', maskRatio: 0.5 },
      data: { scale: [0.5, 1], evaluationCrop: 1, heldOut: 0.02 },
      evaluation: { knnEvery: config.training.epochs },
    });
    const given = { task: { name: 'masked+zoomed-in', maskRatio: 0.75 } };
    expect(adviseSettings(small, cores, { seconds: 1200, given }).config.task).toMatchObject(given.task);
    const patches = [8, 20, 24, 32, 48, 60].map((side) => {
      const { image, patch } = adviseSettings({ ...small, side }, cores, { seconds: 1200 }).config.model;
      return [image[0], patch];
    });
    expect(patches).toEqual([
      [8, 4],
      [20, 4],
      [24, 12],
      [32, 16],
      [48, 16],
      [60, 12],
    ]);
    const colour = { ...photographs, side: 32 };
    expect(adviseSettings(colour, cores, { seconds: 1200 }).config).toMatchObject({
      model: { image: [32, 32], patch: 4 },
      task: { name: 'masked', maskRatio: 0.75 },
    });
  });

  it('bf16 where a CPU multiplies it', () => {
    const of = (machine: Partial<MachineFacts>, given = {}) =>
      adviseSettings(photographs, { ...cores, ...machine }, { seconds: 1200, given }).settings.engine;
    expect(of({ precision: 'bf16' })).toEqual({ precision: 'bf16' });
    expect(of({ precision: 'f32' })).toBeUndefined();
    expect(of({ precision: 'bf16', accelerator: true })).toBeUndefined(); // the default there
    expect(of({ precision: 'bf16' }, { engine: { precision: 'f32' } })).toBeUndefined();
  });

  it('sizes fit the given ones', () => {
    const of = (given: ConfigInput['model']) =>
      adviseSettings(photographs, cores, { seconds: 1200, given: { model: given } }).config.model;
    expect(of({ patch: 10 })).toMatchObject({ image: [90, 90], patch: 10 });
    expect(of({ image: [50, 75] })).toMatchObject({ image: [50, 75], patch: 5 });
    expect(() => of({ image: [31, 31] })).toThrow('multiples of model.patch, got [31,31] and 2');
    expect(of({ width: 130 })).toMatchObject({ width: 130, heads: 2 });
    expect(of({ decoder: { width: 64 } })).toMatchObject({ width: 128, decoder: { width: 64, heads: 2 } });
    expect(of({ decoder: { kind: 'linear' } })).toMatchObject({ width: 128, decoder: { kind: 'linear' } });
  });

  it('few images: many passes, small batches, and a word for published weights', () => {
    const few = adviseSettings({ ...photographs, images: 40, files: 40 }, cores, { seconds: 1200 });
    expect(few.config.training).toMatchObject({ batchSize: 16 });
    expect(few.config.training.epochs).toBeGreaterThan(300);
    expect(few.config.evaluation).toMatchObject({
      best: 'heldOutLoss',
      every: Math.ceil(few.config.training.epochs / 50),
      panelEvery: Math.ceil(few.config.training.epochs / 50),
    });
    const rate = (batchSize: number) =>
      (adviseSettings({ ...photographs, images: 400, files: 400 }, cores, {
        seconds: 1200,
        given: { training: { batchSize, epochs: 5 } },
      }).config.training.learningRate *
        batchSize) /
      256;
    expect([rate(8), rate(64), rate(128)]).toEqual([1e-3, 1e-3, 2e-3]);
    expect(few.notes.join()).toContain('40 images are few to learn from');
    expect(few.notes.join()).toContain('--init-from micro-cifar10');
  });

  it('holds out as many files as leave both parts an image that can be read, and none of a single one', () => {
    const of = (images: number, files: number, heldOut?: ImageFacts['heldOut'], given = {}) =>
      adviseSettings({ ...photographs, images, files, heldOut }, cores, { seconds: 1200, given });
    const share = (...facts: Parameters<typeof of>) => of(...facts).config.data.heldOut;
    expect([share(40, 40), share(2, 2), share(1, 1), share(1, 4)]).toEqual([0.1, 0.1, 0, 0]);
    expect([share(2, 8, [3, 6]), share(2, 20, [1, 1]), share(2, 20, [1, 2])]).toEqual([0.375, 0.05, 0.1]);
    expect(of(1, 4).reasons.find(({ setting }) => setting === 'data.heldOut')?.reason).toBe(
      'a single image can be read: it is trained on',
    );
    expect(of(1, 4).config.evaluation.best).toBe('none');
    expect(of(40, 40, undefined, { data: { heldOut: 0 } }).config.evaluation.best).toBe('none');
    expect(of(30, 40).notes.join()).toContain('30 images are few');
    expect(of(30, 40, undefined, { training: { epochs: 5, batchSize: 4 } }).updates).toBe(5 * 9); // others take the places of broken ones
  });

  it('writes the singular', () => {
    const lone = { ...photographs, images: 1, files: 1, side: 1 };
    const { reasons, notes } = adviseSettings(lone, cores, { seconds: 1200 });
    const all = [...notes, ...reasons.map(({ reason }) => reason)].join('\n');
    expect(all).toContain('1 image is few to learn from');
    expect(all).toContain('an update of 1 image has');
    expect(all).toContain('the images have 1 pixel across');
    expect(all).not.toMatch(/\b1 (images|pixels|patches|updates)\b/);
  });

  it('noisy patches are predicted as they are', () => {
    const of = (blockCorrelation: number) =>
      adviseSettings({ ...photographs, blockCorrelation }, cores, { seconds: 1200 }).config.model.target;
    expect([of(0.5), of(0.6)]).toEqual(['none', 'channel']);
  });

  it('large files that take longer to read than to learn from count in the time, and are to be packed', () => {
    const of = (readSeconds: number, machine = cores) =>
      adviseSettings({ ...photographs, readSeconds }, machine, { seconds: 7200 });
    const each = ({ seconds, config }: ReturnType<typeof of>) =>
      seconds / (config.training.epochs * 0.98 * 50_000);
    const [quick, slow] = [of(1e-4), of(0.1)];
    expect(slow.config.training.epochs).toBeLessThan(quick.config.training.epochs);
    expect(each(slow) - each(quick)).toBeCloseTo(0.1 - 1e-4, 6); // both take all cores
    expect(each(of(0.1, gpu))).toBeCloseTo(0.1, 6); // the accelerator computes meanwhile
    expect(quick.notes).toEqual([]);
    expect(slow.notes.join()).toMatch(
      /shrink them once with `data pack SOURCE --output FOLDER --resize 192`/,
    );
  });

  it('weights to start with decide sizes, normalisation and a low rate', () => {
    const model = {
      ...{
        image: [224, 224] as const,
        patch: 16,
        channels: 3,
        width: 768,
        depth: 12,
        heads: 12,
        mlpRatio: 4,
      },
      ...{ classToken: true, positions: 'sincos2d' as const, target: 'patch' as const },
      decoder: { width: 512, depth: 8, heads: 16 },
    };
    const start = {
      ...{ path: 'mae.pth', source: 'mae', model, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
      ...{ evaluationCrop: 0.875, task: { name: 'masked', maskRatio: 0.75 } },
    };
    const { config, notes, settings } = adviseSettings({ ...photographs, images: 300, files: 300 }, cores, {
      seconds: 1200,
      start,
    });
    expect(config).toMatchObject({ from: 'mae.pth', model, data: { mean: start.mean }, task: start.task });
    expect((config.training.learningRate * config.training.batchSize) / 256).toBeCloseTo(1e-4, 5);
    expect(settings.from).toBeUndefined();
    expect(settings.data).not.toHaveProperty('range');
    const wide = { ...start, range: [0, 255] as const };
    expect(adviseSettings(photographs, cores, { seconds: 1200, start: wide }).config.data.range).toEqual([
      0, 255,
    ]);
    expect(notes.join()).toContain('too few updates to learn');
    expect(notes.join()).not.toContain('few to learn from');
    const { decoder: _, ...encoder } = model;
    expect(
      adviseSettings(photographs, cores, { seconds: 1200, start: { ...start, model: encoder } }).notes.join(),
    ).toContain('holds no decoder');
  });
});
