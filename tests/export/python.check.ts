import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { parseSegmentConfig } from '../../src/config/segment-schema.ts';
import { openImages } from '../../src/data/sources/image-list.ts';
import { decodeRle } from '../../src/detect/rle.ts';
import { referenceEngine } from '../../src/engines/reference/engine.ts';
import { predictBoxes } from '../../src/evaluate/detection/predict-boxes.ts';
import { predictMasks } from '../../src/evaluate/segmentation/predict-masks.ts';
import { centralViews } from '../../src/evaluate/views.ts';
import { sizeOf, type Values } from '../../src/graph/index.ts';
import { patchCount } from '../../src/image/size.ts';
import type { NamedTensor } from '../../src/io/dtypes.ts';
import { writeSafetensors } from '../../src/io/safetensors.ts';
import { evaluateTask } from '../../src/programs/evaluate-task.ts';
import { type Rng, rng } from '../../src/random/rng.ts';
import { drawName } from '../../src/tasks/draws.ts';
import { task } from '../../src/tasks/table.ts';
import { type Model, openModel } from '../../src/weights/model.ts';
import { exportModel } from '../../src/weights/out/export.ts';
import { exportProgram } from '../../src/weights/out/onnx.ts';
import type { Part } from '../../src/weights/out/part.ts';
import { normals, seed } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { cases, largeCases } from './cases.ts';

const python = process.env.EXPORTS_PYTHON ?? 'python3';
const script = fileURLToPath(new URL('../oracle/verify_exports.py', import.meta.url));
const folder = temporaryFolder();
const BATCH = 3;

it(`timm, transformers and onnxruntime compute what the models do (SEED=${seed})`, async () => {
  const random = rng(seed);
  let count = 0;
  for (const [name, { write, exports }] of Object.entries({ ...cases, ...largeCases })) {
    const checkpoint = join(folder, `${count}.safetensors`);
    await write(checkpoint, random);
    const model = await openModel(checkpoint);
    for (const [format, part] of exports) {
      const at = join(folder, `case-${String(count++).padStart(2, '0')}`);
      await mkdir(at);
      await exportModel(checkpoint, { format, part, output: join(at, 'export') });
      await writeFile(join(at, 'case.json'), JSON.stringify({ name, format, part }));
      const image = join(at, 'image.jpg');
      await noise(image, model, random);
      await writeSafetensors(
        join(at, 'values.safetensors'),
        new Map([...(await values(model, part, random)), ...(await seen(checkpoint, image, model, part))]),
      );
    }
  }
  const { stdout } = await promisify(execFile)(python, [script, folder], { maxBuffer: 1 << 24 }).catch(
    (error) => {
      throw new Error(`${python} ${script} failed\n${error.stdout}${error.stderr}`);
    },
  );
  console.log(stdout);
  expect(stdout).toContain(`${count} exports`);
});

const f32 = (data: Float32Array, shape: readonly number[]): NamedTensor => ({
  dtype: 'F32',
  shape,
  data: data as Float32Array<ArrayBuffer>,
});

/** What evaluation, or `predict` of heads that need more than a view, makes of a picture. */
async function seen(
  checkpoint: string,
  image: string,
  model: Model,
  part: Part,
): Promise<[string, NamedTensor][]> {
  if (part === 'segmenter') return [['mask', await maskOf(checkpoint, image, model)]];
  return part === 'detector'
    ? objectsOf(checkpoint, image, model.classes!)
    : [['view', await viewOf(image, model)]];
}

/**
 * Writes a picture, twice as high and three times as wide as a view; losslessly, so that all decoders agree. For one channel it is grey, and
 * all libraries read it alike.
 */
async function noise(path: string, { encoder: { image, channels } }: Model, random: Rng): Promise<void> {
  const [height, width] = [2 * image[0], 3 * image[1]];
  const drawn = Uint8Array.from({ length: 3 * height * width }, () => random.int(256));
  const pixels = channels === 1 ? drawn.map((_, i) => drawn[i - (i % 3)]!) : drawn;
  await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path);
}

/** What evaluation makes of a picture: [1, C, H, W], normalised. */
async function viewOf(path: string, model: Model): Promise<NamedTensor> {
  const { encoder, normalisation } = model;
  const { channels, image } = encoder;
  const views = centralViews(model, await openImages([path]), { batchSize: 1 });
  const { value } = await views.next();
  await views.dispose();
  const size = sizeOf(image);
  const pixels = Float32Array.from(value!.view, (byte, i) => {
    const channel = Math.floor(i / size);
    return (byte / 255 - normalisation.mean[channel]!) / normalisation.std[channel]!;
  });
  return f32(pixels, [1, channels, ...image]);
}

/** What `predict` makes of a picture: [height, width], in the values of the training masks. */
async function maskOf(checkpoint: string, path: string, model: Model): Promise<NamedTensor> {
  const { classes } = parseSegmentConfig(model.run!.config).data.classes!;
  for await (const { labels, height, width } of predictMasks(checkpoint, [path], {
    engine: referenceEngine,
  })) {
    const data = labels.map((label) => classes[label]!.values[0]!) as Uint8Array<ArrayBuffer>;
    return { dtype: 'U8', shape: [height, width], data };
  }
  throw new Error('no mask');
}

/** The objects that `predict` finds in a picture, the surest first. */
async function objectsOf(
  checkpoint: string,
  path: string,
  classes: readonly string[],
): Promise<[string, NamedTensor][]> {
  for await (const { objects, height, width } of predictBoxes(checkpoint, [path], {
    engine: referenceEngine,
  })) {
    const count = objects.length;
    const bytes = (data: number[], shape: readonly number[]): NamedTensor => ({
      ...{ dtype: 'U8', shape, data: Uint8Array.from(data) },
    });
    const numbers = objects.map((object) => classes.indexOf(object.class));
    const masks = objects.flatMap(({ mask }) => (mask ? [...decodeRle(mask)] : []));
    return [
      ['boxes', f32(Float32Array.from(objects.flatMap(({ box }) => box)), [count, 4])],
      [
        'scores',
        f32(
          Float32Array.from(objects, ({ score }) => score),
          [count],
        ),
      ],
      ['labels', bytes(numbers, [count])],
      ...(masks.length > 0 ? [['masks', bytes(masks, [count, height, width])] as const] : []),
    ] as [string, NamedTensor][];
  }
  throw new Error('no prediction');
}

/** Inputs, and what the model makes of them on the reference engine. */
async function values(model: Model, part: Part, random: Rng): Promise<Map<string, NamedTensor>> {
  const shape = [BATCH, model.encoder.channels, ...model.encoder.image];
  const pixels = normals(random, sizeOf(shape));
  const tensors = new Map([['pixel_values', f32(pixels, shape)]]);
  const inputs = { pixel_values: pixels, pixels: pictureOf(pixels, model) };
  if (part === 'segmenter') tensors.set('pixels', f32(inputs.pixels, shape));
  if (part === 'autoencoder') {
    const { noise, loss, prediction } = await recovered(model, pixels, random);
    const patches = patchCount(model.encoder);
    tensors.set('noise', f32(noise, [BATCH, patches]));
    tensors.set('loss', f32(Float32Array.of(loss), [1]));
    tensors.set('logits', f32(prediction, [BATCH, patches, prediction.length / (BATCH * patches)]));
    return tensors;
  }
  if (part === 'detector') return tensors; // its outputs are compared through the code of the card
  const program = exportProgram(model, part, BATCH);
  const session = await referenceEngine.open(model.weights as Values);
  const { pixels: picture, pixel_values } = inputs;
  const outputs = await session.run(program, part === 'segmenter' ? { pixels: picture } : { pixel_values });
  for (const [name, data] of Object.entries(outputs))
    if (data instanceof Float32Array)
      tensors.set(name, f32(data as Float32Array, program.outputs[name]!.shape));
  return tensors;
}

/** Images on the scale 0 to 255 whose normalised ones these are. */
function pictureOf(pixels: Float32Array, { encoder, normalisation: { mean, std } }: Model): Float32Array {
  const size = sizeOf(encoder.image);
  return pixels.map((value, i) => {
    const channel = Math.floor(i / size) % encoder.channels;
    return 255 * (value * std[channel]! + mean[channel]!);
  });
}

/** The masked task by an order that noise gives, as MAE draws it: the smallest stay. */
async function recovered(model: Model, pixels: Float32Array, random: Rng) {
  const { decoder, normalisation, run, weights } = model;
  const patches = patchCount(model.encoder);
  const noise = Float32Array.from({ length: BATCH * patches }, () => random.uniform());
  const order = new Int32Array(noise.length);
  for (let b = 0; b < BATCH; b++) {
    const one = noise.subarray(b * patches, (b + 1) * patches);
    order.set(
      [...one.keys()].sort((i, j) => one[i]! - one[j]!),
      b * patches,
    );
  }
  const { loss, prediction } = await evaluateTask({
    model: decoder!,
    task: task('masked'),
    maskRatio: run!.config.task!.maskRatio,
    ...normalisation,
    engine: referenceEngine,
    weights: weights as Values,
    view: pixels,
    draws: { [drawName('order')]: order },
    gradients: false,
  });
  return { noise, loss, prediction };
}
