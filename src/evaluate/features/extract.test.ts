import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { randomWeights, tiny } from '../../../tests/support/tiny.ts';
import { centreCrop } from '../../data/decode/crop.ts';
import { BrokenImages } from '../../data/load/broken.ts';
import { evaluationBatches } from '../../data/load/loader.ts';
import type { Dataset } from '../../data/sources/dataset.ts';
import type { Engine } from '../../engines/engine.ts';
import { referenceEngine } from '../../engines/reference/engine.ts';
import { IMAGENET } from '../../image/normalise.ts';
import { pretrainPrograms } from '../../programs/pretrain.ts';
import { rng } from '../../random/rng.ts';
import { task } from '../../tasks/table.ts';
import { type ExtractOptions, FeatureExtractor, type FeatureModel } from './extract.ts';
import { clearFeatures, listFeatures } from './feature-cache.ts';

/** Images of a part in these tests. */
const PART = 10;

const folder = temporaryFolder();

const model: FeatureModel = {
  path: 'tiny',
  encoder: tiny,
  normalisation: IMAGENET,
  evaluationCrop: 0.8,
  weights: randomWeights(tiny, rng(seed, 'weights')) as Record<string, Float32Array>,
};

/** Random pictures; those at `broken` cannot be read. */
function pictures(length: number, broken: readonly number[] = []): Dataset {
  return {
    name: 'pictures',
    length,
    contentKey: `${seed}-${length}-${broken}`,
    id: (index) => `picture ${index}`,
    image(index) {
      if (broken.includes(index)) throw new Error('torn');
      const stream = rng(seed, 'picture', index);
      const data = Uint8Array.from({ length: 9 * 18 * 3 }, () => stream.int(256));
      return { height: 9, width: 18, channels: 3, data };
    },
  };
}

/** The reference engine, which counts the runs of its programs. */
function counting(): Engine & { runs: number } {
  const counted = {
    ...referenceEngine,
    runs: 0,
    async open(state: Parameters<Engine['open']>[0]) {
      const session = await referenceEngine.open(state);
      const { run } = session;
      session.run = (...args) => {
        counted.runs++;
        return run.apply(session, args);
      };
      return session;
    },
  };
  return counted;
}

let caches = 0;
const emptyCache = () => join(folder, `cache-${caches++}`);

async function extract(dataset: Dataset, options: Partial<ExtractOptions> = {}, of = model) {
  const engine = options.engine ?? referenceEngine;
  const extractor = new FeatureExtractor(of, {
    engine,
    featureCache: false,
    broken: new BrokenImages(() => {}),
    ...options,
  });
  try {
    return await extractor.features(dataset);
  } finally {
    await extractor.dispose();
  }
}

describe('FeatureExtractor', () => {
  it('gives the same features as pre-training', async () => {
    const dataset = pictures(5);
    const { features, width, indices } = await extract(dataset, { imagesAtOnce: 2 });
    expect({ width, indices }).toEqual({ width: tiny.width, indices: Int32Array.of(0, 1, 2, 3, 4) });
    const programs = pretrainPrograms({
      model: tiny,
      task: task('masked'),
      maskRatio: 0.5,
      batch: 5,
      ...IMAGENET,
    });
    const views = evaluationBatches(dataset, {
      batchSize: 5,
      size: tiny.image,
      seed: 1,
      crop: centreCrop(0.8),
    });
    const { value } = await views.next();
    const session = await referenceEngine.open(model.weights);
    const expected = await session.run(programs.features, { view: value!.view });
    features.forEach((x, i) => {
      expect(x, `seed ${seed}`).toBeCloseTo(expected.features![i]!, 5);
    });
  });

  it('pools by class token on request', async () => {
    const encoder = { ...tiny, classToken: true };
    const weights = randomWeights(encoder, rng(seed)) as Record<string, Float32Array>;
    const withToken = { ...model, encoder, weights };
    const token = await extract(pictures(2), { pooling: 'token' }, withToken);
    const mean = await extract(pictures(2), {}, withToken);
    expect(token.features).not.toEqual(mean.features);
    await expect(extract(pictures(2), { pooling: 'token' })).rejects.toThrow(
      'class token pooling needs a model with a class token, got tiny without',
    );
  });

  it('computes nothing twice', async () => {
    const featureCache = emptyCache();
    const [first, second] = [counting(), counting()];
    const dataset = pictures(7, [2]);
    const made = await extract(dataset, { featureCache, engine: first, imagesAtOnce: 3 });
    const broken = new BrokenImages(() => {});
    const found = await extract(dataset, { featureCache, engine: second, broken });
    expect(found).toEqual(made);
    expect([first.runs, second.runs]).toEqual([3, 0]);
    expect([...broken.reasons]).toEqual([['picture 2', 'torn']]);
    expect(made.indices).toEqual(Int32Array.of(0, 1, 3, 4, 5, 6));
    expect(await listFeatures(featureCache)).toMatchObject([{ model: 'tiny', images: 'pictures', parts: 1 }]);
    await clearFeatures(featureCache);
    expect(await listFeatures(featureCache)).toEqual([]);
  });

  it.each([
    ['EMFILE', () => Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' }), false],
    [
      'EIO on a thread',
      () => new Error('torn', { cause: Object.assign(new Error(), { code: 'EIO' }) }),
      false,
    ],
    ['memory', () => new Error('VipsImage: out of memory --- size == 64MB'), false],
    ['bytes', () => new Error('VipsJpeg: premature end'), true],
  ] as const)('keeps a failure only where the bytes are broken: %s', async (_, failure, kept) => {
    const featureCache = emptyCache();
    const dataset = pictures(PART + 3);
    let failing = true;
    const flaky: Dataset = {
      ...dataset,
      image(index) {
        if (failing && index === 1) throw failure();
        return dataset.image(index);
      },
    };
    const options = { featureCache, partSize: PART };
    expect((await extract(flaky, options)).indices).not.toContain(1);
    failing = false;
    const again = await extract(flaky, options);
    if (kept) expect(again.indices).not.toContain(1);
    else expect(again).toEqual(await extract(dataset));
    expect((await listFeatures(featureCache))[0]).toMatchObject({ parts: 2 });
  });

  it('works with an unusable cache', async () => {
    const featureCache = emptyCache();
    await writeFile(featureCache, 'no folder');
    const notes: string[] = [];
    const onNote = (note: string) => notes.push(note);
    const dataset = pictures(PART + 3);
    expect(await extract(dataset, { featureCache, partSize: PART, onNote })).toEqual(await extract(dataset));
    expect(notes).toEqual([
      expect.stringMatching(/^features are not cached on disk, .*BEYOND_MASKING_CACHE/),
    ]);
  });

  it('separates different inputs in the cache', async () => {
    const featureCache = emptyCache();
    const dataset = pictures(2);
    const weights = { ...model.weights, 'norm.bias': model.weights['norm.bias']!.map((x) => x + 1) };
    const other = { ...tiny, image: [16, 8] as const };
    const variants: [Dataset, Partial<ExtractOptions>, FeatureModel?][] = [
      [dataset, {}],
      [pictures(3), {}],
      [dataset, {}, { ...model, weights }],
      [dataset, {}, { ...model, evaluationCrop: 1 }],
      [dataset, {}, { ...model, encoder: other }],
      [dataset, {}, { ...model, normalisation: { ...IMAGENET, mean: [0, 0, 0] } }],
      [dataset, { engine: { ...referenceEngine, description: 'in bfloat16' } }],
    ];
    for (const [images, options, of] of variants) await extract(images, { featureCache, ...options }, of);
    expect(await listFeatures(featureCache)).toHaveLength(variants.length);
    // What features do not depend on makes no other key.
    await extract(
      dataset,
      { featureCache },
      { ...model, path: 'elsewhere', weights: { ...model.weights, extra: new Float32Array(1) } },
    );
    expect(await listFeatures(featureCache)).toHaveLength(variants.length);
  });

  it('resumes after an interruption, and computes damaged parts again', async () => {
    const featureCache = emptyCache();
    const dataset = pictures(PART + 6, [PART + 1]);
    const whole = await extract(dataset);
    const controller = new AbortController();
    const engine = counting();
    const extractor = new FeatureExtractor(model, {
      engine,
      featureCache,
      imagesAtOnce: 4,
      partSize: PART,
      signal: controller.signal,
      broken: new BrokenImages(() => {}),
    });
    const stopped = extractor.features(dataset, (done) => {
      if (done > PART + 2) controller.abort(new Error('stopped'));
    });
    await expect(stopped).rejects.toThrow('stopped');
    await extractor.dispose();
    const key = (await listFeatures(featureCache))[0]!.key;
    const part = join(featureCache, key, 'part-00000.safetensors');
    expect(await readdir(join(featureCache, key))).toEqual(['about.json', 'part-00000.safetensors']);

    const resumed = counting();
    const found: number[] = [];
    const again = new FeatureExtractor(model, {
      engine: resumed,
      featureCache,
      imagesAtOnce: 3,
      partSize: PART,
      broken: new BrokenImages(() => {}),
    });
    expect(await again.features(dataset, (done) => found.push(done))).toEqual(whole);
    await again.dispose();
    expect([found[0], found.at(-1), resumed.runs]).toEqual([PART, PART + 6, 2]);

    const bytes = await readFile(part);
    await truncate(part, 300);
    expect(await extract(dataset, { featureCache, partSize: PART })).toEqual(whole);
    expect(await readFile(part)).toEqual(bytes);
    await writeFile(part, 'no features');
    const both = await Promise.all([
      extract(dataset, { featureCache, partSize: PART }),
      extract(dataset, { featureCache, partSize: PART }),
    ]);
    expect(both).toEqual([whole, whole]);
  });
});
