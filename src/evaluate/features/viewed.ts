import { BrokenImages, nothingReadable } from '../../data/load/broken.ts';
import type { Dataset } from '../../data/sources/dataset.ts';
import type { Program } from '../../graph/index.ts';
import { toImage } from '../../visualize/image.ts';
import type { RgbImage } from '../../visualize/rgb-image.ts';
import type { Model } from '../../weights/model.ts';
import { batchFor } from '../images-at-once.ts';
import { modelEngine } from '../model-engine.ts';
import { centralViews, readable } from '../views.ts';
import { type FeatureOptions, requireFeatures } from './extract.ts';

/** Options for pictures of a model's insides. */
export type ViewedOptions = Omit<FeatureOptions, 'pooling' | 'featureCache' | 'partSize'>;

/** An image as the encoder sees it, with a program's numbers about it. */
export interface Viewed {
  readonly name: string;
  readonly picture: RgbImage;
  readonly values: Float32Array;
}

/**
 * Runs a program of the encoder on the evaluation views of images, and holds all of them in memory.
 * @param programFor makes the program (view u8 [B, C, H, W] → `output` [B, …]) for a number of images
 * @param output name of the program's output
 * Rejects with a DataError where no image can be read, with a RunError for a model whose features cannot be computed.
 */
export async function viewed(
  model: Model,
  dataset: Dataset,
  programFor: (batch: number) => Program,
  output: string,
  options: ViewedOptions = {},
): Promise<Viewed[]> {
  requireFeatures(model);
  const engine = await modelEngine(model, options);
  const broken = options.broken ?? new BrokenImages();
  const { imagesAtOnce = batchFor(model.encoder, engine), signal } = options;
  const batchSize = Math.min(imagesAtOnce, dataset.length);
  const views = centralViews(model, dataset, { batchSize, broken, signal });
  const program = programFor(batchSize);
  const session = await engine.open(model.weights);
  const found: Viewed[] = [];
  try {
    for await (const { view, weights, indices } of readable(views, dataset, broken)) {
      signal?.throwIfAborted();
      const values = (await session.run(program, { view }))[output] as Float32Array;
      const size = values.length / batchSize;
      for (const [i, index] of indices.entries()) {
        if (weights[i] === 0) continue;
        const picture = pictureOf(model, view, i);
        found.push({ name: dataset.id(index), picture, values: values.slice(i * size, (i + 1) * size) });
      }
    }
  } finally {
    await session.dispose();
  }
  if (found.length === 0) throw nothingReadable(dataset.name, broken);
  return found;
}

/** Image `i` of views u8 [B, C, H, W] as a picture. */
export function pictureOf({ encoder }: Pick<Model, 'encoder'>, view: Uint8Array, i: number): RgbImage {
  const { channels, image } = encoder;
  const [height, width] = image;
  const size = channels * height * width;
  const data = Float32Array.from(view.subarray(i * size, (i + 1) * size), (byte) => byte / 255);
  return toImage({ channels, height, width, data });
}
