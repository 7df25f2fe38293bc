import { type Config, MAE_TASK, parseConfig } from './config/schema.ts';
import type { BrokenImages } from './data/load/broken.ts';
import type { Dataset } from './data/sources/dataset.ts';
import { openImages } from './data/sources/image-list.ts';
import type { OpenOptions } from './data/sources/scheme.ts';
import { type EngineOptions, modelEngine } from './evaluate/model-engine.ts';
import { reconstructionGrid } from './evaluate/reconstructions.ts';
import { checkedParts } from './parts/check.ts';
import { namesOf, type Parts } from './parts/parts.ts';
import { readCheckpointInfo } from './run/checkpoint.ts';
import { openData, sample } from './run/data.ts';
import { RunError } from './run/error.ts';
import { requireOwn } from './run/own.ts';
import { setUp } from './run/setup-pretrain.ts';
import type { ForeignOptions } from './weights/in/foreign.ts';
import { type Model, openModel } from './weights/model.ts';
import { packagedPicture } from './weights/packaged.ts';

export interface ReconstructOptions
  extends ForeignOptions,
    EngineOptions,
    Pick<OpenOptions, 'onProgress' | 'signal'> {
  /** Images to reconstruct. Default: some that the run did not train on, or the picture of a packaged model. */
  readonly images?: Dataset | undefined;
  /** Most images in the picture. Default: 8. */
  readonly count?: number | undefined;
  /** Chooses the images and everything that the task draws. Default: the run's, or 0. */
  readonly seed?: number | undefined;
  /** True: two more columns, with the statistics of the original's patches, which are given for free. Default: false. */
  readonly given?: boolean | undefined;
  readonly broken?: BrokenImages | undefined;
  /** Parts of the user's own that the run was trained with. */
  readonly parts?: Parts | undefined;
}

/**
 * Draws original, degraded input and reconstruction of some images by a model (as `openModel` opens it): a PNG file.
 * Weights of another project are taken for those of MAE: 75 % of the tokens are removed. Throws RunError when the model has
 * no decoder, or it is of another project and no images are given; DataError when the images cannot be used.
 */
export async function reconstruct(path: string, options: ReconstructOptions = {}): Promise<Buffer> {
  const parts = await checkedParts(options.parts);
  const model = await openModel(path, { ...options, targets: parts.targets });
  const needed = model.run?.config.own;
  const { tasks, masks, targets } = needed ?? {};
  requireOwn({ tasks, masks, targets }, namesOf(parts));
  if (!model.decoder)
    throw new RunError(
      `reconstruction needs a decoder, got ${model.path} without one: weights of an encoder`,
    );
  if (!model.run && !options.images)
    throw new RunError('weights of another project name no images: name files or a folder');
  const { config: settings, title } = await taskOf(model);
  const config = { ...settings, seed: options.seed ?? settings.seed };
  const setup = setUp(config, { ...parts, augmentations: undefined });
  const images = options.images ?? (await usualImages(model.path, settings, { ...options, parts }));
  const chosen = sample(images, options.count ?? 8, config.seed, 'reconstructions');
  options.signal?.throwIfAborted();
  const engine = options.engine ?? parts.engine ?? (await modelEngine(model, options));
  const session = await engine.open(model.weights);
  try {
    return await reconstructionGrid(session, setup, chosen, {
      title,
      given: options.given,
      ...(options.broken && { broken: options.broken }),
      ...(options.signal && { signal: options.signal }),
    });
  } finally {
    await session.dispose();
  }
}

/** The settings that a run trained with; else those of MAE's pre-training. */
async function taskOf(model: Model): Promise<{ config: Config; title: string }> {
  if (model.run) {
    const { config, progress } = await readCheckpointInfo(model.path);
    return { config, title: `${config.task.name}, step ${progress.step}` };
  }
  const { decoder, normalisation, evaluationCrop } = model;
  const { mean, std } = normalisation;
  const config = parseConfig({
    data: { mean, std, evaluationCrop },
    model: decoder,
    task: MAE_TASK,
  });
  return { config, title: `${config.task.name}, weights of ${model.source}` };
}

/** The picture of a packaged model; else images that the run did not train on. */
async function usualImages(
  path: string,
  config: Config,
  { onProgress, onNote, signal, parts }: ReconstructOptions,
): Promise<Dataset> {
  const picture = packagedPicture(path);
  if (picture) return openImages([picture]);
  requireOwn({ sources: config.own?.sources }, namesOf(parts ?? {}));
  const data = await openData(config, {
    onNote,
    ...(parts?.sources && { sources: parts.sources }),
    ...(onProgress && { onProgress }),
    ...(signal && { signal }),
  });
  return data.heldOut ?? data.train;
}
