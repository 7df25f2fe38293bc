import { pasteMask } from '../../detect/paste-mask.ts';
import { decodeRle } from '../../detect/rle.ts';
import type { Engine } from '../../engines/engine.ts';
import { loadRuntime } from '../../engines/onnx/runtime.ts';
import { borderOf } from '../../image/border.ts';
import type { Size } from '../../image/size.ts';
import { boxPrograms } from '../../programs/predict-boxes.ts';
import { type Rng, rng } from '../../random/rng.ts';
import { type FoundBox, findObjects } from '../../run/find-objects.ts';
import type { Model } from '../model.ts';
import { detectorParts } from './detector-onnx.ts';
import { ExportError } from './part.ts';
import { type OnnxCheck, source } from './verify-onnx.ts';

/** Sizes of the pictures relative to the model's images: without and with a border. */
const SIZES: readonly Size[] = [
  [1, 1],
  [0.6, 0.8],
];
/** Largest difference of scores in [0, 1], and of coordinates relative to the longer side. */
const TOLERANCE = 1e-4;
/** Share of the objects that may be others: two scores or overlaps may be equal but for rounding. */
const OTHERS = 0.02;
/** Share of the pixels of a mask that may differ, of the box's pixels. */
const PIXELS = 0.02;

/**
 * Runs `onnx/model.onnx` of a folder on pictures of noise, and compares the objects of any score with the findings of an engine and the host.
 * Throws ExportError if more than 2 % of them, and more than one, are others.
 */
export async function verifyDetector(model: Model, folder: string, engine: Engine): Promise<OnnxCheck> {
  const { channels, image } = model.detector!;
  const noise = rng(0, 'verify-detector');
  const sizes = SIZES.map((part) => part.map((share, i) => Math.ceil(share * image[i]!)) as unknown as Size);
  const pictures = sizes.map((size) => ({ size, pixels: blocks(noise, channels, size) }));
  const expected = await byHost(model, engine, pictures);
  const { ort, native, version } = await loadRuntime(1);
  const session = await ort.InferenceSession.create(await source(folder, native));
  let [difference, count, others] = [0, 0, 0];
  for (const [i, { size, pixels }] of pictures.entries()) {
    const tensor = new ort.Tensor('float32', Float32Array.from(pixels), [1, channels, ...size]);
    const results = await session.run({ pixels: tensor });
    const made = objectsOf(results as never, size, model.detector!.head.masks);
    const compared = compare(made, expected[i]!, size);
    difference = Math.max(difference, compared.difference);
    count += Math.max(made.length, expected[i]!.length);
    others += compared.others;
  }
  await session.release();
  if (others > Math.max(1, OTHERS * count))
    throw new ExportError(
      `the exported model must find the objects of the model but for ${100 * OTHERS} %, got ${others} others of ${count}`,
    );
  const runtime = `onnxruntime ${version} (${native ? 'native' : 'WebAssembly'})`;
  return { batches: [1], difference, runtime, engine: engine.description, objects: { count, others } };
}

interface Picture {
  readonly size: Size;
  /** [C, h, w] */
  readonly pixels: Uint8Array;
}

/** A picture of blocks of noise: [C, h, w]. */
function blocks(random: Rng, channels: number, [height, width]: Size): Uint8Array {
  const side = Math.max(1, Math.floor(Math.min(height, width) / 6));
  const across = Math.ceil(width / side);
  const pixels: number[] = [];
  for (let channel = 0; channel < channels; channel++) {
    const values = Uint8Array.from({ length: Math.ceil(height / side) * across }, () => random.int(256));
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        pixels.push(values[Math.floor(y / side) * across + Math.floor(x / side)]!);
  }
  return Uint8Array.from(pixels);
}

/** The objects that the programs find with the host's choices, of any score. */
async function byHost(
  model: Model,
  engine: Engine,
  pictures: readonly Picture[],
): Promise<(readonly FoundBox[])[]> {
  const { model: detector, weights, normalisation, ...counts } = detectorParts(model);
  const { channels, image } = detector;
  const session = await engine.open(weights);
  const programs = boxPrograms(detector, { batch: 1, ...counts, ...normalisation });
  const found: (readonly FoundBox[])[] = [];
  try {
    for (const { size, pixels } of pictures) {
      const view = new Uint8Array(channels * image[0] * image[1]);
      for (const [channel, border] of borderOf(normalisation.mean).entries()) {
        view.fill(border, channel * image[0] * image[1], (channel + 1) * image[0] * image[1]);
        for (let y = 0; y < size[0]; y++) {
          const from = (channel * size[0] + y) * size[1];
          view.set(pixels.subarray(from, from + size[1]), (channel * image[0] + y) * image[1]);
        }
      }
      const [one] = await findObjects(
        {
          ...{ model: detector, programs, ...counts, leastScore: 0 },
          run: (program, inputs) => session.run(program, inputs),
        },
        { view, objects: [{ drawn: { image: size, crop: { resized: size } } }] },
      );
      found.push(one!.objects);
    }
  } finally {
    await session.dispose();
  }
  return found;
}

/** The outputs of the file as objects. */
function objectsOf(
  { boxes, scores, labels, masks }: Record<string, { readonly data: Float32Array }>,
  size: Size,
  masked: boolean,
): FoundBox[] {
  const all = Array.from(scores!.data, (score, i) => ({ score, i })).filter(({ score }) => score > 0);
  return all.map(({ score, i }) => {
    const box = [...boxes!.data.subarray(4 * i, 4 * i + 4)] as unknown as FoundBox['box'];
    const area = masks ? masks.data.length / scores!.data.length : 0;
    return {
      ...{ box, score, class: labels!.data[i]! },
      ...(masked && {
        mask: pasteMask(masks!.data.subarray(i * area, (i + 1) * area), Math.sqrt(area), box, size),
      }),
    };
  });
}

/** Compares objects, each with the nearest one of its class: `others` have none within the tolerance. */
function compare(made: readonly FoundBox[], expected: readonly FoundBox[], size: Size) {
  const side = Math.max(...size);
  const left = new Set(made);
  let [difference, others] = [0, 0];
  for (const truth of expected) {
    const apart = (object: FoundBox) =>
      object.class === truth.class
        ? Math.max(
            Math.abs(object.score - truth.score),
            ...object.box.map((value, i) => Math.abs(value - truth.box[i]!) / side),
          )
        : Number.POSITIVE_INFINITY;
    const [nearest] = [...left].sort((a, b) => apart(a) - apart(b));
    if (nearest && apart(nearest) <= TOLERANCE && sameMask(nearest, truth)) {
      left.delete(nearest);
      difference = Math.max(difference, apart(nearest));
    } else others++;
  }
  return { difference, others: Math.max(others, left.size) };
}

function sameMask({ mask: made, box: [x1, y1, x2, y2] }: FoundBox, { mask: truth }: FoundBox): boolean {
  if (!made || !truth) return made === truth;
  const pixels = decodeRle(truth);
  const differing = decodeRle(made).filter((value, i) => value !== pixels[i]).length;
  return differing <= Math.max(1, PIXELS * (x2 - x1) * (y2 - y1));
}
