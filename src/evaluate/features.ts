import type { Session } from '../backends/backend.ts';
import type { Loader } from '../data/loader.ts';
import type { Program } from '../graph/index.ts';
import type { Normalisation } from '../nn/normalise.ts';
import type { LabelledFeatures } from './knn.ts';

/**
 * Features of every image of a pass by the program `features` (view [B, C, H, W] → `features` [B, D]), whose weights
 * the session holds; padding and images that cannot be read are left out. Throws RangeError without labels.
 */
export async function modelFeatures(
  session: Session,
  features: Program,
  views: Loader,
): Promise<LabelledFeatures> {
  return collect(views, async (view) => (await session.run(features, { view })).features as Float32Array);
}

/** Normalised pixels as features: what a model must beat. */
export async function pixelFeatures(
  views: Loader,
  { mean, std }: Normalisation,
  channels: number,
  pixels: number,
): Promise<LabelledFeatures> {
  return collect(views, async (view) =>
    Float32Array.from(view, (byte, i) => {
      const channel = Math.floor(i / pixels) % channels;
      return (byte / 255 - mean[channel]!) / std[channel]!;
    }),
  );
}

async function collect(
  views: Loader,
  featuresOf: (view: Uint8Array) => Promise<Float32Array>,
): Promise<LabelledFeatures> {
  const rows: Float32Array[] = [];
  const labels: number[] = [];
  for await (const batch of views) {
    if (!batch.labels)
      throw new RangeError('features for kNN need labelled images, got images without classes');
    const values = await featuresOf(batch.view);
    const width = values.length / batch.weights.length;
    for (const [i, label] of batch.labels.entries()) {
      if (batch.weights[i] === 0) continue;
      rows.push(values.slice(i * width, (i + 1) * width));
      labels.push(label);
    }
  }
  const features = new Float32Array(rows.length * (rows[0]?.length ?? 0));
  rows.forEach((row, i) => {
    features.set(row, i * row.length);
  });
  return { features, labels: Int32Array.from(labels) };
}
