import type { CropSampler } from '../../data/decode/crop.ts';
import { jitteredSize } from '../../data/decode/scale-jitter.ts';
import { makeView } from '../../data/load/views.ts';
import type { RawImage } from '../../data/sources/dataset.ts';
import type { ImageSource } from '../../data/sources/image-source.ts';
import type { Session } from '../../engines/engine.ts';
import type { Program } from '../../graph/index.ts';
import type { Normalisation } from '../../image/normalise.ts';
import type { Size } from '../../image/size.ts';
import type { SegmenterConfig } from '../../models/segmenter.ts';
import { rng } from '../../random/rng.ts';
import { RunError } from '../../run/error.ts';
import type { Maps } from './bilinear.ts';
import { type Logits, type Planes, segmentImage } from './segment-image.ts';

/** How a segmenter looks at an image. */
export interface SegmentView {
  readonly model: Pick<SegmenterConfig, 'image' | 'channels' | 'classes'>;
  readonly normalisation: Normalisation;
  /** Factor on the size at which an image just covers the model's input. */
  readonly zoom: number;
  /** Distance of the windows relative to the model's input. */
  readonly stride: number;
  /** Further factors; the results of several are averaged. */
  readonly scales: readonly number[];
  readonly flip: boolean;
  /** Largest number of windows at once. */
  readonly atOnce: number;
}

/**
 * The class of every pixel of an image, [height, width].
 * @param size of the upright image
 * Rejects where the image cannot be read, as `makeView` does.
 */
export async function predictImage(
  from: ImageSource | RawImage,
  size: Size,
  view: SegmentView,
  logits: Logits,
): Promise<Uint8Array> {
  const { model, normalisation, zoom, scales } = view;
  const planes: Planes[] = [];
  for (const scale of scales)
    planes.push(
      await planesOf(from, jitteredSize(size, model.image, zoom * scale), model.channels, normalisation),
    );
  return segmentImage(planes, size, logits, {
    classes: model.classes,
    window: model.image,
    stride: model.image.map((side) => Math.max(1, Math.round(view.stride * side))) as [number, number],
    atOnce: view.atOnce,
    flip: view.flip,
  });
}

/** A whole image, resized and normalised. */
async function planesOf(
  from: ImageSource | RawImage,
  size: Size,
  channels: number,
  { mean, std, range }: Normalisation,
): Promise<Planes> {
  const [height, width] = size;
  const crop: CropSampler = (_, image) => ({
    box: { x: 0, y: 0, width: image[1], height: image[0] },
    resized: size,
    window: { x: 0, y: 0, width, height },
    flip: false,
  });
  const bytes = new Uint8Array(channels * height * width);
  await makeView(from, { size, channels, range, crop }, rng(0, 'none'), bytes, 0);
  const pixels = height * width;
  const data = new Float32Array(bytes.length);
  for (let c = 0; c < channels; c++)
    for (let i = c * pixels; i < (c + 1) * pixels; i++) data[i] = (bytes[i]! / 255 - mean[c]!) / std[c]!;
  return { channels, height, width, data };
}

/**
 * The logits of tiles by a session's weights. @param programOf the program that takes `batch` tiles: a power of two, so that few are
 * compiled
 * Rejects with a RunError for logits that are not finite.
 */
export function sessionLogits(session: Session, programOf: (batch: number) => Program): Logits {
  return async (tiles) => {
    const batch = 2 ** Math.ceil(Math.log2(tiles.length));
    const program = programOf(batch);
    const size = tiles[0]!.data.length;
    const image = new Float32Array(batch * size);
    for (const [i, { data }] of tiles.entries()) image.set(data, i * size);
    const logits = (await session.run(program, { image })).logits as Float32Array;
    const fault = logits.find((value) => !Number.isFinite(value));
    if (fault !== undefined)
      throw new RunError(`scores of classes must be finite numbers, got ${fault}: check the weights`);
    const [, rows, columns, channels] = program.outputs.logits!.shape as [number, number, number, number];
    const each = rows * columns * channels;
    return tiles.map(
      (_, i): Maps => ({
        ...{ rows, columns, channels },
        data: logits.subarray(i * each, (i + 1) * each),
      }),
    );
  };
}
