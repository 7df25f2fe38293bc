import type { Backend } from '../backends/backend.ts';
import type { BrokenImages } from '../data/broken.ts';
import type { Dataset } from '../data/dataset.ts';
import { readCheckpoint } from './checkpoint.ts';
import { openData, sample } from './datasets.ts';
import { openEngine } from './engine.ts';
import { RunError } from './error.ts';
import { partOf } from './part.ts';
import { reconstructionGrid } from './reconstruct.ts';
import { findCheckpoint } from './run-folder.ts';
import { setUp } from './setup.ts';

export interface ReconstructOptions {
  /** Images to reconstruct. Default: some that the run did not train on. */
  readonly images?: Dataset | undefined;
  /** Most images in the picture. Default: 8. */
  readonly count?: number | undefined;
  /** Chooses the images and everything that the task draws. Default: the run's. */
  readonly seed?: number | undefined;
  /** The engine that computes. Default: that of the run's settings. */
  readonly backend?: Backend | undefined;
  readonly broken?: BrokenImages | undefined;
}

/**
 * Draws original, degraded input and reconstruction of some images by a checkpoint (a file, or the folder of a run for
 * its newest): a PNG file. Throws RunError when the checkpoint has no decoder, FileFormatError when it is no checkpoint
 * of a run, DataError when the images cannot be used.
 */
export async function reconstruct(path: string, options: ReconstructOptions = {}): Promise<Buffer> {
  const { config: settings, progress, state } = await readCheckpoint(await findCheckpoint(path));
  const config = { ...settings, seed: options.seed ?? settings.seed };
  const setup = setUp(config);
  const missing = setup.programs(1).specs.filter(({ name }) => !state[name]);
  if (missing.some(({ name }) => partOf(name) === 'decoder'))
    throw new RunError(
      `reconstruction needs a decoder: ${path} must hold it, got a checkpoint without ${missing[0]!.name}`,
    );
  const images = options.images ?? (await heldOut(settings));
  const chosen = sample(images, options.count ?? 8, config.seed, 'reconstructions');
  const backend = options.backend ?? (await openEngine(config.engine));
  const session = await backend.open(state);
  try {
    const title = `${config.task.name}, step ${progress.step}`;
    return await reconstructionGrid(session, setup, chosen, {
      title,
      ...(options.broken && { broken: options.broken }),
    });
  } finally {
    await session.dispose();
  }
}

async function heldOut(config: Parameters<typeof openData>[0]): Promise<Dataset> {
  const data = await openData(config);
  return data.heldOut ?? data.train;
}
