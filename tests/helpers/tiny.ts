import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { ConfigInput } from '../../src/config/schema.ts';
import { rng } from '../../src/random/rng.ts';

/** A folder of small noisy pictures in `classes` sub-folders, each class with a tint of its own. */
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

/** Settings of a model that trains in no time: 8×8 pixels, patches of 4. */
export function tinySettings(source: string, more: ConfigInput = {}): ConfigInput {
  return {
    seed: 3,
    data: { source, heldOut: 0.25, ...more.data },
    model: {
      image: [8, 8],
      patch: 4,
      width: 8,
      depth: 1,
      heads: 2,
      decoder: { width: 8, depth: 1, heads: 2 },
    },
    task: { name: 'masked+zoomed-in', maskRatio: 0.5, ...more.task },
    training: { epochs: 3, batchSize: 4, warmupEpochs: 0.5, learningRate: 0.1, ...more.training },
    checkpoints: { every: 2, keep: 2, ...more.checkpoints },
    evaluation: { heldOutImages: 5, reconstructions: 2, ...more.evaluation },
    engine: { name: 'reference', ...more.engine },
  };
}

/** A temporary folder, and how to remove it. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'beyond-masking-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
