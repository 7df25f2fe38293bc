import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { DetectInput } from '../../src/config/detect-schema.ts';
import { pasteMask } from '../../src/detect/paste-mask.ts';
import { decodeRle } from '../../src/detect/rle.ts';
import { loadRuntime } from '../../src/engines/onnx/runtime.ts';
import { referenceEngine } from '../../src/engines/reference/engine.ts';
import { type PredictedObjects, predictBoxes } from '../../src/evaluate/detection/predict-boxes.ts';
import type { Size } from '../../src/image/size.ts';
import { rng } from '../../src/random/rng.ts';
import { openModel } from '../../src/weights/model.ts';
import { exportModel } from '../../src/weights/out/export.ts';
import { changedEngine } from '../support/changed-engine.ts';
import { seed } from '../support/random.ts';
import { randomDetector } from '../support/random-checkpoint.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tinyDetectSettings } from '../support/tiny-run.ts';
import { cases } from './cases.ts';

const folder = temporaryFolder();
const random = rng(seed, 'detector exports');
let count = 0;
const fresh = () => join(folder, String(count++));

async function checkpointOf(name: string): Promise<string> {
  const path = `${fresh()}.safetensors`;
  await cases[name]!.write(path, random);
  return path;
}

async function tinyCheckpoint(more: DetectInput = {}): Promise<string> {
  const path = `${fresh()}.safetensors`;
  await randomDetector(path, random, tinyDetectSettings('somewhere', more), ['a', 'b', 'c']);
  return path;
}

/** A picture of noise in coarse blocks, as a file and as the input of an exported model. */
async function picture([height, width]: Size, channels: number) {
  const path = `${fresh()}.png`;
  const [h, w] = [Math.ceil(height / 6), Math.ceil(width / 6)];
  const noise = Uint8Array.from({ length: channels * h * w }, () => random.int(256));
  const image = sharp(noise, { raw: { width: w, height: h, channels: channels as 1 | 3 } })
    .resize(width, height, { fit: 'fill', kernel: 'nearest' })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb');
  await writeFile(path, await image.png().toBuffer());
  const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
  const pixels = Float32Array.from(
    { length: channels * height * width },
    (_, i) => data[info.channels * (i % (height * width)) + Math.floor(i / (height * width))]!,
  );
  return { path, pixels };
}

async function objectsOf(checkpoint: string, image: string): Promise<PredictedObjects['objects']> {
  for await (const { objects } of predictBoxes(checkpoint, [image], { engine: referenceEngine }))
    return objects;
  throw new Error('no prediction');
}

/** Runs the exported file. */
async function sessionOf(output: string, native: boolean) {
  const { ort } = await loadRuntime(1, native);
  const file = await readFile(join(output, 'onnx', 'model.onnx'));
  const session = await ort.InferenceSession.create(file as unknown as string);
  return async (pixels: Float32Array, shape: readonly number[]) => {
    const made = await session.run({ pixels: new ort.Tensor('float32', pixels, [...shape]) });
    const { boxes, scores, labels, masks } = made;
    return {
      dims: Object.fromEntries(Object.entries(made).map(([name, { dims }]) => [name, [...dims]])),
      boxes: boxes!.data as Float32Array,
      scores: scores!.data as Float32Array,
      labels: labels!.data as Int32Array,
      masks: masks?.data as Float32Array | undefined,
    };
  };
}

const names = Object.keys(cases).filter((name) =>
  cases[name]!.exports.some(([, part]) => part === 'detector'),
);

describe(`detectors as ONNX, native and as WebAssembly, find objects as predict does (SEED=${seed})`, () => {
  it('there are such cases', () => expect(names.length).toBeGreaterThan(1));

  it.each(names)(
    '%s',
    async (name) => {
      const checkpoint = await checkpointOf(name);
      const output = fresh();
      await exportModel(checkpoint, { format: 'onnx', output });
      const { image, channels, head } = (await openModel(checkpoint)).detector!;
      const { classes, leastScore } = JSON.parse(await readFile(join(output, 'config.json'), 'utf8'));
      const sessions = [await sessionOf(output, true), await sessionOf(output, false)];
      let [all, others] = [0, 0];
      // One side fills the view, so that pictures are not resized.
      for (const size of [image, [image[0], 21], [13, image[1]]] as const) {
        const { path, pixels } = await picture(size, channels);
        const expected = await objectsOf(checkpoint, path);
        for (const run of sessions) {
          const made = await run(pixels, [1, channels, ...size]);
          const rows = made.scores.length;
          expect(made.dims).toEqual({
            ...{ boxes: [rows, 4], scores: [rows], labels: [rows] },
            ...(head.masks && { masks: [rows, 28, 28] }),
          });
          expect([...made.scores]).toEqual([...made.scores].sort((a, b) => b - a));
          const above = made.scores.filter((score) => score > leastScore).length;
          const left = new Set(Array(above).keys());
          all += expected.length;
          for (const { box, score, class: of, mask } of expected) {
            const same = [...left].find(
              (i) =>
                classes[made.labels[i]!] === of &&
                Math.abs(made.scores[i]! - score) < 1e-4 &&
                box.every((value, k) => Math.abs(made.boxes[4 * i + k]! - value) < 1e-4 * Math.max(...size)),
            );
            if (same === undefined) {
              others++;
              continue;
            }
            left.delete(same);
            if (!mask) continue;
            const truth = decodeRle(mask);
            const own = made.masks!.subarray(784 * same, 784 * (same + 1));
            const pasted = decodeRle(pasteMask(own, 28, box, size));
            const differing = pasted.filter((value, i) => value !== truth[i]).length;
            expect(differing).toBeLessThanOrEqual(1 + 0.01 * truth.length);
          }
          others += left.size;
        }
      }
      expect(all).toBeGreaterThan(20);
      expect(others).toBeLessThanOrEqual(0.02 * all + 2);
    },
    60_000,
  );

  it('rows without an object have the score 0 and the label −1', async () => {
    const checkpoint = await tinyCheckpoint({ evaluation: { proposals: 2, detections: 50 } });
    const output = fresh();
    await exportModel(checkpoint, { format: 'onnx', output, engine: referenceEngine });
    const { pixels } = await picture([16, 16], 3);
    const { scores, labels, boxes } = await (await sessionOf(output, true))(pixels, [1, 3, 16, 16]);
    const absent = [...labels.keys()].filter((i) => labels[i]! < 0);
    expect(absent.length).toBeGreaterThanOrEqual(44); // 2 proposals, of 3 classes each at most
    expect(absent.every((i) => scores[i] === 0 && labels[i] === -1)).toBe(true);
    expect(absent.flatMap((i) => [...boxes.subarray(4 * i, 4 * i + 4)]).every((value) => value === 0)).toBe(
      true,
    );
  });
});

describe('exports of detectors', () => {
  it("are kept only if the file finds the model's objects", async () => {
    const wrong = changedEngine((program, outputs) =>
      program.name === 'boxes'
        ? { ...outputs, deltas: outputs.deltas!.map((x) => x + 0.05) as Float32Array }
        : outputs,
    );
    const output = join(folder, 'wrong', 'inner');
    await expect(
      exportModel(await tinyCheckpoint(), { format: 'onnx', output, engine: wrong }),
    ).rejects.toThrow(/the exported model must find the objects of the model but for 2 %, got \d+ others of/);
    expect(await readdir(join(folder, 'wrong'))).toEqual([]);
  });

  it('have a card with what a reader needs to know, and no folders', async () => {
    const { folder: output, check } = await exportModel(await checkpointOf(names[0]!), {
      ...{ format: 'onnx', output: fresh(), engine: referenceEngine },
    });
    expect(check!.objects!.count).toBeGreaterThan(30);
    const card = await readFile(join(output, 'README.md'), 'utf8');
    expect(card).toContain('pipeline_tag: object-detection');
    expect(card).toContain('| classes of objects | 5 |');
    expect(card).toContain('of 32 × 40 at most');
    expect(card).toMatch(/\d+ of its \d+ objects are the model's \(reference/);
    expect(card).not.toContain('/home/somebody');
    const config = JSON.parse(await readFile(join(output, 'config.json'), 'utf8'));
    expect(config).toMatchObject({
      ...{ classes: ['cat', 'dog', 'élan', 'fish', 'gnu'], ids: [0, 10, 20, 30, 40] },
      ...{ image: [32, 40], channels: 3, leastScore: 0.05 },
    });
  });

  it('other formats refuse a detector with the remedy', async () => {
    const checkpoint = await tinyCheckpoint();
    for (const format of ['timm', 'huggingface'] as const)
      await expect(exportModel(checkpoint, { format, output: fresh() })).rejects.toThrow(
        `the format ${format} has no detectors, got ${checkpoint} of a detection: export it with --format onnx`,
      );
  });

  it('a model without a head of detection has no such part', async () => {
    const checkpoint = await checkpointOf('as in MAE');
    await expect(
      exportModel(checkpoint, { format: 'onnx', part: 'detector', output: fresh() }),
    ).rejects.toThrow(/a detector needs a head that finds objects, got .* train it with the command detect/);
  });
});
