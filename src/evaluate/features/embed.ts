import { stat } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { BrokenImages } from '../../data/load/broken.ts';
import { openDataset } from '../../data/sources/open.ts';
import { type OpenOptions, phaseText } from '../../data/sources/scheme.ts';
import { writeNpyTable, writeParquetTable } from '../../io/feature-table.ts';
import { RunError } from '../../run/error.ts';
import { openModel } from '../../weights/model.ts';
import { modelEngine } from '../model-engine.ts';
import { FeatureExtractor, type FeatureOptions } from './extract.ts';

export interface EmbedOptions extends FeatureOptions, Pick<OpenOptions, 'cache'> {
  /** File to write: .npy or .parquet. */
  readonly output: string;
  /** Called while images are fetched and features computed. */
  readonly onProgress?: (what: string, done: number, total: number) => void;
}

export interface EmbedResult {
  /** Rows, and numbers in each. */
  readonly images: number;
  readonly width: number;
  /** Images that could not be read: they have no row. */
  readonly broken: number;
  /** What was written. */
  readonly files: readonly string[];
}

/**
 * Writes the features of images by a model (a file of weights, or the folder of a run): central crops, in the order of the
 * data set, images that cannot be read left out. Parts are kept on the disk as soon as they are done (see
 * `FeatureExtractor`), so an interrupted call goes on where it was; the file appears in one step at the end.
 *
 * @param source as `openDataset` takes it
 * Throws RunError for an output that cannot be, and what `openModel` and `openDataset` throw.
 */
export async function embed(path: string, source: string, options: EmbedOptions): Promise<EmbedResult> {
  const { output, onProgress: say = () => {}, signal, cache } = options;
  const kind = extname(output);
  if (kind !== '.npy' && kind !== '.parquet')
    throw new RunError(`features are written as .npy or .parquet, got ${output}`);
  await requireFolder(dirname(output));
  const model = await openModel(path, { heads: options.heads, image: options.image });
  const dataset = await openDataset(source, {
    onProgress: (progress) => say(phaseText(progress), progress.done, progress.total),
    onNote: options.onNote,
    ...(cache !== undefined && { cache }),
    ...(signal && { signal }),
  });
  const backend = await modelEngine(model, options);
  const broken = options.broken ?? new BrokenImages();
  const extractor = new FeatureExtractor(model, { ...options, backend, broken });
  try {
    const { features, width, indices } = await extractor.features(dataset, (done, total) =>
      say('features', done, total),
    );
    const table = {
      ...{ features, width, files: Array.from(indices, (index) => dataset.id(index)) },
      labels: dataset.labels && indices.map((index) => dataset.labels![index]!),
      classes: dataset.classes,
    };
    const files = kind === '.npy' ? [output, await writeNpyTable(output, table)] : [output];
    if (kind === '.parquet') await writeParquetTable(output, table);
    return { images: indices.length, width, broken: dataset.length - indices.length, files };
  } finally {
    await extractor.dispose();
  }
}

async function requireFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) throw new RunError(`the output's folder must exist, got ${path}`);
}
