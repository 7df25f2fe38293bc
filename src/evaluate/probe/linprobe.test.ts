import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { relativeError } from '../../../tests/support/task-fixture.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { tinyImages, tinySettings } from '../../../tests/support/tiny-run.ts';
import type { LinprobeInput } from '../../config/linprobe-schema.ts';
import { BrokenImages } from '../../data/load/broken.ts';
import { openDataset } from '../../data/sources/open.ts';
import type { Engine, Session } from '../../engines/engine.ts';
import { referenceEngine } from '../../engines/reference/engine.ts';
import { cast, input, program } from '../../graph/index.ts';
import { readRows } from '../../io/jsonl.ts';
import { classify } from '../../models/classifier.ts';
import { fromPicture } from '../../nn/normalise.ts';
import { pretrain } from '../../pretrain.ts';
import { weightInputs } from '../../programs/pretrain.ts';
import { rng } from '../../random/rng.ts';
import type { LinprobeEvent } from '../../run/events.ts';
import { modelParameters, openModel } from '../../weights/model.ts';
import { FeatureExtractor } from '../features/extract.ts';
import { centralViews } from '../views.ts';
import { type LinprobeOptions, linprobe } from './linprobe.ts';

const folder = temporaryFolder();
const images = `classes:${join(folder, 'images')}`;
const test = `classes:${join(folder, 'test')}`;
let model: string;
let probes = 0;

beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 90, 3);
  await tinyImages(join(folder, 'test'), 24, 3, 2);
  const { checkpoint } = await pretrain(
    tinySettings(images, { training: { epochs: 1 }, evaluation: { reconstructions: 0 } }),
    { output: join(folder, 'run') },
  );
  model = checkpoint;
});

/** Copies a session to an object whose methods can be replaced. */
const sessionOf = (session: Session): Session => ({
  run: (...given) => session.run(...given),
  step: (...given) => session.step(...given),
  read: (...given) => session.read(...given),
  write: (...given) => session.write(...given),
  dispose: () => session.dispose(),
});

const settings = { epochs: 20, warmupEpochs: 2, optimizer: 'sgd', test } as const;
const probe = (options: Partial<LinprobeOptions> = {}) =>
  linprobe(model, {
    engine: referenceEngine,
    featureCache: join(folder, 'cache'),
    ...options,
    settings: { ...settings, ...options.settings },
  });

describe('linprobe', () => {
  it('takes the given number of images', async () => {
    const learningRates = [0.1];
    expect(
      await probe({
        settings: { epochs: 3, warmupEpochs: 0, learningRates, trainImages: 30, testImages: 7 },
      }),
    ).toMatchObject({ train: 30, test: 7, rates: [] });
  });

  it('learns separable classes, and saves a classifier with the same predictions', async () => {
    const output = join(folder, `probe-${probes++}`);
    const events: LinprobeEvent[] = [];
    const result = await probe({ output, onEvent: (event) => events.push(event) });
    expect(result).toMatchObject({ train: 90, test: 24, batchSize: 64 });
    expect(result.top1).toBeGreaterThan(0.9); // each class has a different tint
    expect(result.rates.map(({ learningRate }) => learningRate)).toEqual([
      0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1,
    ]);
    const highest = Math.max(...result.rates.map(({ heldOutTop1 }) => heldOutTop1));
    expect(result.best).toBe(result.rates.find(({ heldOutTop1 }) => heldOutTop1 === highest)!.learningRate);

    expect(JSON.parse(await readFile(join(output, 'config.json'), 'utf8'))).toMatchObject({
      kind: 'linprobe',
      from: model,
      epochs: 20,
    });
    const rows = await readRows(join(output, 'metrics.jsonl'));
    expect(rows.map(({ step }) => step)).toEqual([...Array.from({ length: 20 }, (_, i) => i + 1), 20]);
    expect(rows.at(-1)).toMatchObject({ top1: result.top1, learningRate: result.best });
    expect(events.map(({ type }) => type)).toEqual(['start', ...rows.map(() => 'step'), 'file', 'end']);

    // The classifier on pixels gives the logits of the head on the extracted features.
    const classifier = await openModel(output);
    expect(classifier.classes).toEqual(['class0', 'class1', 'class2']);
    const dataset = await openDataset(test);
    const views = await centralViews(classifier, dataset, { batchSize: 24 }).next();
    const weights = weightInputs(modelParameters(classifier));
    const view = input('view', [24, 3, 8, 8], 'u8');
    const logits = classify(
      classifier.classifier!,
      weights,
      fromPicture(cast(view, 'f32'), classifier.normalisation, 1 / 255),
    );
    const session = await referenceEngine.open(classifier.weights);
    const got = (await session.run(program('logits', { logits }), { view: views.value!.view })).logits!;
    const extractor = new FeatureExtractor(await openModel(model), {
      engine: referenceEngine,
      featureCache: false,
    });
    const { features, width } = await extractor.features(dataset);
    const { 'head.weight': weight, 'head.bias': bias } = classifier.weights;
    const expected = Array.from({ length: 24 * 3 }, (_, i) => {
      const row = features.subarray(Math.floor(i / 3) * width, (Math.floor(i / 3) + 1) * width);
      return row.reduce((sum, x, j) => sum + x * weight![(i % 3) * width + j]!, bias![i % 3]!);
    });
    expect(relativeError(got, expected)).toBeLessThan(1e-5);
    const right = Array.from(dataset.labels!, (label, i) => {
      const row = [...got.subarray(i * 3, i * 3 + 3)];
      return row.indexOf(Math.max(...row)) === label;
    });
    expect(right.filter(Boolean).length / 24).toBeCloseTo(result.top1, 6);
  });

  it('skips the choice for a single learning rate, and supports LARS', async () => {
    const result = await probe({ settings: { optimizer: 'lars', learningRates: [20], batchSize: 8 } });
    expect(result).toMatchObject({ best: 20, rates: [], batchSize: 8 });
    expect(result.top1).toBeGreaterThan(0.5);
  });

  it('is deterministic, and can be repeated in its folder', async () => {
    const output = join(folder, `probe-${probes++}`);
    const controller = new AbortController();
    const settings = { learningRates: [0.03, 0.3] };
    const stopped = probe({
      output,
      settings,
      signal: controller.signal,
      onProgress: (what, done) => {
        if (what.startsWith('training') && done === 7) controller.abort(new Error('stopped'));
      },
    });
    await expect(stopped).rejects.toThrow('stopped');
    expect(await readdir(output)).not.toContain('.lock');
    const again = await probe({ output, settings });
    expect(await readRows(join(output, 'metrics.jsonl'))).toHaveLength(21);
    const checkpoint = join(output, 'checkpoints', 'best.safetensors');
    const bytes = await readFile(checkpoint);
    expect(await probe({ output, settings })).toEqual(again);
    expect(await readFile(checkpoint)).toEqual(bytes);
    const other = probe({ output, settings: { ...settings, seed: 1 } });
    await expect(other).rejects.toThrow(`that of the very same probe, got ${output} with`);
  });

  it.each<[string, LinprobeInput]>([
    ['choosing the learning rate', {}],
    ['training', {}],
    ['training', { optimizer: 'lars', learningRates: [3], batchSize: 16 }],
    ['learning rates of the cross-validation', { test: undefined }],
    ['cross-validation', { test: undefined, batchSize: 20 }],
  ])('resumes bit for bit after an interruption while %s %j', async (stage, more) => {
    const settings = { learningRates: [0.03, 0.3], epochs: 6, warmupEpochs: 1, ...more };
    const random = rng(seed);
    let steps = 0;
    const engine: Engine = {
      ...referenceEngine,
      async open(state) {
        const session = await referenceEngine.open(state);
        const step: Session['step'] = (...given) => {
          steps++;
          return session.step(...given);
        };
        return { ...sessionOf(session), step };
      },
    };
    const whole = join(folder, `probe-${probes++}`);
    const expected = await probe({ output: whole, settings, engine });
    const once = steps;
    steps = 0;
    const output = join(folder, `probe-${probes++}`);
    for (let stops = 0; stops < 2; stops++) {
      const controller = new AbortController();
      const at = 1 + random.int(4);
      const onProgress = (what: string, done: number) => {
        if (what.startsWith(stage) && done >= at) controller.abort(new Error('stopped'));
      };
      const stopped = probe({ output, settings, engine, onProgress, signal: controller.signal });
      await expect(stopped, `seed ${seed}`).rejects.toThrow('stopped');
      expect(await readdir(output)).not.toContain('.lock');
    }
    const notes: string[] = [];
    const onNote = (message: string) => notes.push(message);
    const result = await probe({ output, settings, engine, onNote });
    expect(notes).toContain(`resuming the interrupted probe in ${output}`);
    expect({ ...result, checkpoint: '' }, `seed ${seed}`).toEqual({ ...expected, checkpoint: '' });
    expect(steps, `seed ${seed}`).toBe(once); // no update is made twice
    const file = (path: string, name: string) => readFile(join(path, name));
    expect(await file(output, 'metrics.jsonl')).toEqual(await file(whole, 'metrics.jsonl'));
    const best = join('checkpoints', 'best.safetensors');
    expect(await file(output, best)).toEqual(await file(whole, best));
    expect(await readdir(join(output, 'checkpoints'))).toEqual(['best.safetensors']);
  });

  it('starts again if the features differ from the saved states', async () => {
    const output = join(folder, `probe-${probes++}`);
    const settings = {
      learningRates: [0.3],
      epochs: 5,
      warmupEpochs: 1,
      data: `classes:${join(folder, 'more')}`,
    };
    await tinyImages(join(folder, 'more'), 80, 3, 5);
    const controller = new AbortController();
    const onProgress = (what: string, done: number) => {
      if (what.startsWith('training') && done === 3) controller.abort(new Error('stopped'));
    };
    await expect(probe({ output, settings, onProgress, signal: controller.signal })).rejects.toThrow(
      'stopped',
    );
    await tinyImages(join(folder, 'more'), 80, 3, 6);
    const got = await probe({ output, settings });
    const whole = join(folder, `probe-${probes++}`);
    expect({ ...got, checkpoint: '' }).toEqual({
      ...(await probe({ output: whole, settings })),
      checkpoint: '',
    });
    expect(await readRows(join(output, 'metrics.jsonl'))).toEqual(
      await readRows(join(whole, 'metrics.jsonl')),
    );
  });

  it('tests on the images that the run held out by default', async () => {
    const result = await probe({ settings: { test: undefined, heldOut: 0.25, learningRates: [0.1] } });
    expect(result).toMatchObject({ train: 67, test: 23 });
    expect(result.folds).toBeUndefined();
  });

  it('cross-validates few images, and trains on all of them', async () => {
    const output = join(folder, `probe-${probes++}`);
    const own = { test: undefined, learningRates: [0.03, 0.3] };
    const result = await probe({ output, settings: own });
    expect(result).toMatchObject({ train: 90, test: 90, folds: 10 });
    expect(result.top1).toBeGreaterThan(0.9);
    expect(result.rates.map(({ images }) => images)).toEqual([90, 90]); // a tenth of 90 is too few to distinguish rates
    expect(Number.isInteger(Number((result.top1 * 90).toFixed(6)))).toBe(true);
    expect((await readRows(join(output, 'sittings.jsonl'))).at(-1)).toMatchObject({
      ...{ source: images, images: 90, testImages: 90, folds: 10, version: expect.any(String) },
      command: expect.any(String),
    });
    const limited = await probe({ settings: { ...own, testImages: 5 } });
    expect(limited).toMatchObject({ train: 67, test: 5 });
  });

  it('accepts five images', async () => {
    const few = join(folder, 'few');
    await tinyImages(few, 5, 2, 3);
    const result = await probe({ settings: { test: undefined, data: `classes:${few}` } });
    expect(result).toMatchObject({ train: 5, test: 5, folds: 5 });
    expect(result.rates).toHaveLength(7);
  });

  it('matches classes by their names', async () => {
    const two = join(folder, 'two');
    await mkdir(join(two, 'class2'), { recursive: true });
    const picture = await readFile(join(folder, 'test', 'class2', '002.png'));
    await writeFile(join(two, 'class2', 'a.png'), picture);
    const result = await probe({ settings: { test: `classes:${two}`, learningRates: [0.1] } });
    expect(result).toMatchObject({ top1: 1, test: 1 });
    await mkdir(join(two, 'whale'), { recursive: true });
    await writeFile(join(two, 'whale', 'a.png'), picture);
    const strange = probe({ settings: { test: `classes:${two}` } });
    await expect(strange).rejects.toThrow('must be among the 3 training classes, got whale');
  });

  it('ignores unreadable images', async () => {
    const broken = join(folder, 'broken');
    await tinyImages(broken, 12, 3, 2);
    await writeFile(join(broken, 'class1', 'zzz.png'), 'no image');
    const list = new BrokenImages(() => {});
    const result = await probe({
      broken: list,
      settings: { test: `classes:${broken}`, learningRates: [0.1] },
    });
    expect(result.test).toBe(12);
    expect([...list.reasons.keys()]).toEqual(['class1/zzz.png']);
  });

  it.each([
    [{ learningRates: [0.1, 0.1] }, 'learningRates must be a list of one or more different numbers above 0'],
    [{ epochs: 5, warmupEpochs: 5 }, 'warmupEpochs must be fewer than epochs, got 5 and 5'],
    [{ optimiser: 'sgd' }, 'unknown setting "optimiser" (did you mean "optimizer"?)'],
    [{ batchSize: 1000 }, "a probe's batch must have from 2 images to all 90, got 1000"],
    [{ data: join('nowhere') }, "the data folder must exist, got 'nowhere'"],
    [{ test: images }, 'training and test images must differ'],
    [{ pooling: 'token' }, 'class token pooling needs a model with a class token'],
  ] as const)('refuses %j', async (wrong, message) => {
    await expect(probe({ settings: wrong as object })).rejects.toThrow(message);
  });

  it('rejects images without classes', async () => {
    await expect(probe({ settings: { data: join(folder, 'images') } })).rejects.toThrow(
      'images with classes are needed',
    );
  });
});
