import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { SegmentInput } from '../../src/config/segment-schema.ts';
import { openImages } from '../../src/data/sources/image-list.ts';
import { loadRuntime } from '../../src/engines/onnx/runtime.ts';
import { referenceEngine } from '../../src/engines/reference/engine.ts';
import { predictImage } from '../../src/evaluate/segmentation/predict-image.ts';
import { predictMasks } from '../../src/evaluate/segmentation/predict-masks.ts';
import type { Logits } from '../../src/evaluate/segmentation/segment-image.ts';
import { rng } from '../../src/random/rng.ts';
import { openModel } from '../../src/weights/model.ts';
import { exportModel } from '../../src/weights/out/export.ts';
import { seed } from '../support/random.ts';
import { randomSegmenter } from '../support/random-checkpoint.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { cases } from './cases.ts';

const folder = temporaryFolder();
const random = rng(seed, 'segmenter exports');
let count = 0;
const fresh = () => join(folder, String(count++));

/** A picture of noise in coarse blocks. */
async function picture(width: number, height: number): Promise<string> {
  const path = `${fresh()}.png`;
  const [w, h] = [Math.ceil(width / 3), Math.ceil(height / 3)];
  const pixels = Uint8Array.from({ length: 3 * w * h }, () => random.int(256));
  await writeFile(
    path,
    await sharp(pixels, { raw: { width: w, height: h, channels: 3 } })
      .resize(width, height, { fit: 'fill', kernel: 'nearest' })
      .png()
      .toBuffer(),
  );
  return path;
}

async function checkpointOf(name: string): Promise<string> {
  const path = `${fresh()}.safetensors`;
  await cases[name]!.write(path, random);
  return path;
}

async function labelsOf(checkpoint: string, image: string): Promise<Uint8Array> {
  for await (const { labels } of predictMasks(checkpoint, [image], { engine: referenceEngine }))
    return labels;
  throw new Error('no prediction');
}

/** Share of pixels whose class is another one. */
const others = (a: Uint8Array, b: Uint8Array) => a.filter((value, i) => value !== b[i]).length / a.length;

/** Runs the exported file: any array for its input `pixels`. */
async function sessionOf(output: string) {
  const { ort } = await loadRuntime(1);
  const file = await readFile(join(output, 'onnx', 'model.onnx'));
  const session = await ort.InferenceSession.create(file as unknown as string);
  return async (pixels: Float32Array, shape: readonly number[]) => {
    const { logits, labels } = await session.run({ pixels: new ort.Tensor('float32', pixels, [...shape]) });
    return { logits: logits!.data as Float32Array, labels: labels!.data as Uint8Array };
  };
}

describe(`segmenters as ONNX label pixels as predict does (SEED=${seed})`, () => {
  const names = Object.keys(cases).filter((name) =>
    cases[name]!.exports.some(([format, part]) => format === 'onnx' && part === 'segmenter'),
  );
  it('there are such cases', () => expect(names.length).toBeGreaterThan(2));

  it.each(names)('%s', async (name) => {
    const checkpoint = await checkpointOf(name);
    const output = fresh();
    await exportModel(checkpoint, { format: 'onnx', output, engine: referenceEngine });
    const run = await sessionOf(output);
    const model = await openModel(checkpoint);
    const { image: window, channels, classes } = model.segmenter!;
    const { mean, std } = model.normalisation;
    const settings = JSON.parse(await readFile(join(output, 'config.json'), 'utf8'));
    // The file in the place of the model: tiles in pixels, logits at their size.
    const logits: Logits = async (tiles) => {
      const size = window[0] * window[1];
      const pixels = Float32Array.from(
        tiles.flatMap(({ data }) =>
          [...data].map((value, i) => {
            const c = Math.floor(i / size);
            return 255 * (value * std[c]! + mean[c]!);
          }),
        ),
      );
      const made = await run(pixels, [tiles.length, channels, ...window]);
      return tiles.map((_, t) => ({
        ...{ rows: window[0], columns: window[1], channels: classes },
        data: Float32Array.from(
          { length: size * classes },
          (_, i) => made.logits[(t * classes + (i % classes)) * size + Math.floor(i / classes)]!,
        ),
      }));
    };
    for (const [width, height] of [
      [37, 29],
      [11, 50],
      [window[1], window[0]],
    ] as const) {
      const path = await picture(width, height);
      const expected = await labelsOf(checkpoint, path);
      const source = (await openImages([path])).source!(0);
      const view = { model: model.segmenter!, normalisation: model.normalisation, zoom: settings.zoom };
      const stride = settings.stride[0] / window[0];
      const got = await predictImage(
        source,
        [height, width],
        { ...view, stride, scales: [1], flip: false, atOnce: 3 },
        logits,
      );
      expect(others(got, expected), `${width} × ${height}`).toBeLessThan(2e-3);
    }
  });

  it('a window alone needs nothing but the file', async () => {
    const path = `${fresh()}.safetensors`;
    const model: SegmentInput['model'] = { image: [16, 24], patch: 8, width: 12, depth: 1, heads: 3 };
    await randomSegmenter(path, random, { model }, ['a', 'b', 'c']);
    const output = fresh();
    await exportModel(path, { format: 'onnx', output, engine: referenceEngine });
    const image = await picture(24, 16);
    const bytes = await sharp(image).raw().toBuffer();
    const pixels = Float32Array.from(
      { length: bytes.length },
      (_, i) => bytes[3 * (i % 384) + Math.floor(i / 384)]!,
    );
    const { labels } = await (await sessionOf(output))(pixels, [1, 3, 16, 24]);
    expect(labels).toBeInstanceOf(Uint8Array);
    expect(others(labels, await labelsOf(path, image))).toBeLessThan(5e-3);
  });
});

it.each([
  [0, '0.0'],
  [1, '1.0'],
  [0.5, '0.5'],
])('the layer scale %s is written as a float, which transformers 5 wants', async (layerScaleInit, text) => {
  const path = `${fresh()}.safetensors`;
  const head = { kind: 'upernet' as const, channels: 12, auxiliary: 0 };
  const size = {
    image: [16, 16] as [number, number],
    patch: 4,
    width: 12,
    depth: 4,
    heads: 3,
    classToken: true,
  };
  await randomSegmenter(path, random, { model: { ...size, layerScaleInit, head } }, ['a', 'b']);
  const { folder: output } = await exportModel(path, { format: 'huggingface', output: fresh() });
  const config = await readFile(join(output, 'config.json'), 'utf8');
  expect(config).toContain(`"layer_scale_init_value": ${text},`);
  expect(JSON.parse(config).layer_scale_init_value).toBe(layerScaleInit);
});

describe('what BeitForSemanticSegmentation cannot be is refused with the remedy', () => {
  const beit = {
    ...{ image: [16, 16] as [number, number], patch: 4, width: 12, depth: 4, heads: 3, classToken: true },
    head: { kind: 'upernet' as const, channels: 12, auxiliary: 0 },
  };
  it.each<[string, NonNullable<SegmentInput['model']>, string]>([
    [
      'a linear head',
      { head: { kind: 'linear' } },
      'has a head of UperNet, got a linear one: export it with --format onnx, or train one with --set model.head.kind=upernet',
    ],
    [
      'no class token',
      { classToken: false },
      'has a class token, got a model without one: export it with --format onnx, or train one with --set model.classToken=true',
    ],
    [
      'other channels',
      { head: { ...beit.head, channels: 5 } },
      'got 5 and 12: export it with --format onnx, or train one with --set model.head.channels=12',
    ],
    [
      'other scales',
      { head: { ...beit.head, scales: [2, 1, 0.5] } },
      'has maps of the scales 4, 2, 1 and 0.5, got 2,1,0.5',
    ],
    [
      'blocks out of order',
      { head: { ...beit.head, taps: [0, 3, 2, 1] } },
      'takes blocks in their order, each once, got 0,3,2,1',
    ],
    ['an oblong image', { image: [16, 24] }, 'takes square images, got 16 × 24'],
  ])('%s', async (_, model, message) => {
    const path = `${fresh()}.safetensors`;
    await randomSegmenter(path, random, { model: { ...beit, ...model } }, ['a', 'b']);
    const made = exportModel(path, { format: 'huggingface', output: fresh() });
    await expect(made).rejects.toThrow(message);
  });

  it('timm takes the encoder of a linear head, and no head', async () => {
    const path = await checkpointOf('segmented, linear head, not square, windows that overlap');
    await expect(exportModel(path, { format: 'timm', output: fresh() })).rejects.toThrow(
      'the format timm takes the parts features and classifier, got "segmenter"',
    );
    expect(await exportModel(path, { format: 'timm', part: 'features', output: fresh() })).toMatchObject({
      part: 'features',
    });
  });

  it('a model without a head of segmentation has no such part', async () => {
    const path = await checkpointOf('as in MAE');
    await expect(exportModel(path, { format: 'onnx', part: 'segmenter', output: fresh() })).rejects.toThrow(
      'a segmenter needs a head that labels pixels, got',
    );
  });
});
