import { stat } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { BrokenImages } from '../../data/load/broken.ts';
import type { Dataset } from '../../data/sources/dataset.ts';
import { openImages } from '../../data/sources/image-list.ts';
import { homePath, openDataset } from '../../data/sources/open.ts';
import { type OpenOptions, type OpenProgress, phaseText } from '../../data/sources/scheme.ts';
import { writeNpyTable, writeParquetTable } from '../../io/feature-table.ts';
import { RunError } from '../../run/error.ts';
import { openModel } from '../../weights/model.ts';
import { modelEngine } from '../model-engine.ts';
import { FeatureExtractor, type FeatureOptions } from './extract.ts';

export interface EmbedOptions extends FeatureOptions, Pick<OpenOptions, 'cache' | 'sources'> {
  /** File to write: .npy or .parquet. Default: none. */
  readonly output?: string | undefined;
  /** Called while images are fetched and features computed. */
  readonly onProgress?: (what: string, done: number, total: number) => void;
}

/** Features in memory, with what was written. */
export interface EmbedResult {
  /** Shape [images, width], a row for each image that could be read. */
  readonly features: Float32Array;
  /** Names of the images, as `Dataset.id` gives them. */
  readonly names: readonly string[];
  /** Class numbers of the rows, and names of the classes, where the images have classes. */
  readonly labels?: Int32Array | undefined;
  readonly classes?: readonly string[] | undefined;
  /** Rows, and numbers in each. */
  readonly images: number;
  readonly width: number;
  /** Images that could not be read: they have no row. */
  readonly broken: number;
  /** What was written. */
  readonly files: readonly string[];
}

/**
 * The features of images by a model (a file of weights, or the folder of a run), and where `output` is given the file that holds
 * them: central crops, in the order of the data set, images that cannot be read left out. Parts are kept on the disk as soon as they
 * are done (see `FeatureExtractor`), so an interrupted call continues where it was; the file appears in one step at the end.
 *
 * ```ts
 * const { features, width, names } = await embed('runs/mine', '~/photos'); // names[i]: features[i * width …]
 * ```
 * @param source an image file, a source as `openDataset` takes it, or the images themselves
 * Throws RunError for an output that cannot be, and what `openModel` and `openDataset` throw.
 */
export async function embed(
  path: string,
  source: string | Dataset,
  options: EmbedOptions = {},
): Promise<EmbedResult> {
  const { output, onProgress: say = () => {}, signal, cache, sources } = options;
  const kind = output === undefined ? undefined : extname(output);
  if (output !== undefined) {
    if (kind !== '.npy' && kind !== '.parquet')
      throw new RunError(`features are written as .npy or .parquet, got ${output}`);
    await requireFolder(dirname(output));
  }
  const model = await openModel(path, { heads: options.heads, image: options.image });
  const watched = {
    onProgress: (progress: OpenProgress) => say(phaseText(progress), progress.done, progress.total),
    onNote: options.onNote,
    ...(cache !== undefined && { cache }),
    ...(signal && { signal }),
    ...(sources && { sources }),
  };
  const opened = async (name: string) =>
    (await isFile(name)) ? openImages([name], watched) : openDataset(name, watched);
  const dataset = typeof source === 'string' ? await opened(source) : source;
  const engine = await modelEngine(model, options);
  const broken = options.broken ?? new BrokenImages();
  const extractor = new FeatureExtractor(model, { ...options, engine, broken });
  try {
    const { features, width, indices } = await extractor.features(dataset, (done, total) =>
      say('features', done, total),
    );
    const table = {
      ...{ features, width, files: Array.from(indices, (index) => dataset.id(index)) },
      labels: dataset.labels && indices.map((index) => dataset.labels![index]!),
      classes: dataset.classes,
    };
    const files = output === undefined ? [] : [output];
    if (output !== undefined && kind === '.npy') files.push(await writeNpyTable(output, table));
    if (output !== undefined && kind === '.parquet') await writeParquetTable(output, table);
    return {
      features,
      names: table.files,
      ...(table.labels && { labels: table.labels, classes: table.classes }),
      ...{ images: indices.length, width, broken: dataset.length - indices.length, files },
    };
  } finally {
    await extractor.dispose();
  }
}

async function isFile(name: string): Promise<boolean> {
  return stat(homePath(name)).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function requireFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) throw new RunError(`the output's folder must exist, got ${path}`);
}
