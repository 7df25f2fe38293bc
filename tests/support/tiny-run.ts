import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { DetectInput } from '../../src/config/detect-schema.ts';
import type { FinetuneInput } from '../../src/config/finetune-schema.ts';
import { mergeSettings } from '../../src/config/merge.ts';
import { mergeConfig } from '../../src/config/overrides.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { SegmentInput } from '../../src/config/segment-schema.ts';
import { rng } from '../../src/random/rng.ts';

/** A folder of small noisy pictures in `classes` sub-folders; each class has a tint. */
export async function tinyImages(folder: string, count: number, classes = 2, seed = 1): Promise<void> {
  for (let i = 0; i < count; i++) {
    const label = i % classes;
    const stream = rng(seed, 'tiny', i);
    const pixels = Uint8Array.from(
      { length: 12 * 10 * 3 },
      (_, k) => stream.int(128) + (k % 3 === label % 3 ? 127 : 0),
    );
    await mkdir(join(folder, `class${label}`), { recursive: true });
    await sharp(pixels, { raw: { width: 12, height: 10, channels: 3 } })
      .png()
      .toFile(join(folder, `class${label}`, `${String(i).padStart(3, '0')}.png`));
  }
}

const tiny: ConfigInput = {
  seed: 3,
  data: { heldOut: 0.25 },
  model: { image: [8, 8], patch: 4, width: 8, depth: 1, heads: 2, decoder: { width: 8, depth: 1, heads: 2 } },
  task: { name: 'masked+zoomed-in', maskRatio: 0.5 },
  training: { epochs: 3, batchSize: 4, warmupEpochs: 0.5, learningRate: 0.1 },
  checkpoints: { every: 2, keep: 2 },
  evaluation: { heldOutImages: 5, reconstructions: 2 },
  engine: { name: 'reference' },
};

/** Settings of a model that trains quickly (8×8 pixels, patches of 4), merged with `more`. */
export function tinySettings(source: string, more: ConfigInput = {}): ConfigInput {
  return mergeConfig(tiny, { data: { source } }, more);
}

const tinyClassifier: FinetuneInput = {
  seed: 3,
  data: { heldOut: 0.25, randAugment: '', colourJitter: 0, erasing: 0.5 },
  model: { image: [8, 8], patch: 4, width: 8, depth: 2, heads: 2 },
  training: { epochs: 3, batchSize: 4, warmupEpochs: 0.5, learningRate: 0.1, dropPath: 0.2 },
  checkpoints: { every: 2, keep: 2 },
  engine: { name: 'reference' },
};

/** The same for fine-tuning. */
export function tinyFinetuneSettings(source: string, more: FinetuneInput = {}): FinetuneInput {
  return mergeSettings(tinyClassifier, { data: { source } }, more);
}

const tinySegmenter: SegmentInput = {
  seed: 3,
  model: { image: [16, 16], patch: 4, width: 8, depth: 2, heads: 2 },
  training: { epochs: 3, batchSize: 4, warmupEpochs: 0.5, learningRate: 0.1, dropPath: 0.2 },
  evaluation: { pictures: 1 },
  checkpoints: { every: 2, keep: 2 },
  engine: { name: 'onnx', threads: 1 },
};

/** The same for segmentation: 16×16 pixels. */
export function tinySegmentSettings(source: string, more: SegmentInput = {}): SegmentInput {
  return mergeSettings(tinySegmenter, { data: { source } }, more);
}

/** Options of `pretrain` for a model that trains in no time, with further settings. */
export function tinyOptions(...more: readonly string[]): string[] {
  const model = ['image=8,8', 'patch=4', 'width=8', 'depth=1', 'heads=2'];
  const decoder = ['width=8', 'depth=1', 'heads=2'];
  return [
    ...model.map((setting) => `model.${setting}`),
    ...decoder.map((setting) => `model.decoder.${setting}`),
    ...more,
  ].flatMap((setting) => ['--set', setting]);
}

const tinyDetector: DetectInput = {
  seed: 3,
  data: { scale: [0.6, 1.2] },
  model: {
    ...{ image: [16, 16], patch: 4, width: 8, depth: 2, heads: 2, window: 3, relativePositions: true },
    head: { channels: 4, scales: [2, 1, 0.5], convolutions: 1, hidden: 8 },
  },
  training: {
    ...{ epochs: 3, batchSize: 4, warmupEpochs: 0.5, learningRate: 0.3, dropPath: 0.2 },
    ...{ proposals: 12, rois: 8 },
  },
  evaluation: { pictures: 1, proposals: 12, detections: 10 },
  checkpoints: { every: 2, keep: 2 },
  engine: { name: 'onnx', threads: 1 },
};

/** The same for detection: 16×16 pixels. */
export function tinyDetectSettings(source: string, more: DetectInput = {}): DetectInput {
  return mergeSettings(tinyDetector, { data: { source } }, more);
}
