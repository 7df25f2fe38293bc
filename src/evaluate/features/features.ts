import type { Batch } from '../../data/load/batch.ts';
import type { Dataset } from '../../data/sources/dataset.ts';
import { labelledSource } from '../../data/sources/table.ts';
import type { Session } from '../../engines/engine.ts';
import type { Program } from '../../graph/index.ts';
import type { Normalisation } from '../../image/normalise.ts';
import { RunError } from '../../run/error.ts';
import type { LabelledFeatures } from '../knn/knn.ts';

/** A row of features for each readable image. */
export interface Features {
  /** [n, D] */
  readonly features: Float32Array;
  /** D */
  readonly width: number;
  /** [n], index of each row's image in the data set, ascending */
  readonly indices: Int32Array;
}

/** Computes the features of a batch of views: u8 [B, C, H, W] → [B, D]. */
export type RowsOf = (view: Uint8Array) => Promise<Float32Array>;

/** Features from a program (view [B, C, H, W] → `features` [B, D]) with the session's weights. */
export function programRows(session: Session, program: Program): RowsOf {
  return async (view) => (await session.run(program, { view })).features as Float32Array;
}

/** Normalised pixels as features: the baseline. @param pixels number of pixels per image, H · W */
export function pixelRows({ mean, std }: Normalisation, channels: number, pixels: number): RowsOf {
  return async (view) =>
    Float32Array.from(view, (byte, i) => {
      const channel = Math.floor(i / pixels) % channels;
      return (byte / 255 - mean[channel]!) / std[channel]!;
    });
}

/** The rows of one pass, each with the index of its image, without padding and unreadable images. */
export async function* rows(
  views: AsyncIterable<Batch>,
  rowsOf: RowsOf,
): AsyncGenerator<[index: number, row: Float32Array]> {
  for await (const batch of views) {
    const values = await rowsOf(batch.view);
    const width = values.length / batch.weights.length;
    for (const [i, index] of batch.indices.entries()) {
      if (batch.weights[i]! === 0) continue;
      const row = values.subarray(i * width, (i + 1) * width);
      const fault = row.find((value) => !Number.isFinite(value));
      if (fault !== undefined)
        throw new RunError(
          `features must be finite numbers, got ${fault} for image ${index}: check the weights`,
        );
      yield [index, row];
    }
  }
}

/** All rows of one pass. @param onProgress called with the number of rows done */
export async function collect(
  views: AsyncIterable<Batch>,
  rowsOf: RowsOf,
  onProgress: (done: number) => void = () => {},
): Promise<Features> {
  const parts: Features[] = [];
  for await (const [index, row] of rows(views, rowsOf))
    onProgress(parts.push({ features: row, width: row.length, indices: Int32Array.of(index) }));
  return join(parts, parts[0]?.width ?? 0);
}

/** Concatenates features of the same width. */
export function join(parts: readonly Features[], width: number): Features {
  const indices = new Int32Array(parts.reduce((sum, part) => sum + part.indices.length, 0));
  const features = new Float32Array(indices.length * width);
  let at = 0;
  for (const part of parts) {
    features.set(part.features, at * width);
    indices.set(part.indices, at);
    at += part.indices.length;
  }
  return { features, width, indices };
}

/** Adds the labels of the images to features. Throws RunError for images without classes. */
export function labelled({ features, indices }: Features, { labels, name }: Dataset): LabelledFeatures {
  if (!labels) throw new RunError(`images must have classes, got ${name} without: use ${labelledSource}`);
  return { features, labels: indices.map((index) => labels[index]!) };
}
