import { stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { extname } from 'node:path';
import { homePath } from '../../data/home-path.ts';
import { BrokenImages } from '../../data/load/broken.ts';
import type { Dataset } from '../../data/sources/dataset.ts';
import { openImages } from '../../data/sources/image-list.ts';
import { openDataset } from '../../data/sources/open.ts';
import { type OpenOptions, openOptions } from '../../data/sources/scheme.ts';
import type { Size } from '../../image/size.ts';
import { writeNpyTable, writeParquetTable } from '../../io/feature-table.ts';
import { featureShape, featureSize } from '../../programs/features.ts';
import { RunError } from '../../run/error.ts';
import { requireOutputFile } from '../../run/output.ts';
import { plural } from '../../text/plural.ts';
import { openModel } from '../../weights/model.ts';
import { modelEngine } from '../model-engine.ts';
import { FeatureExtractor, type FeatureOptions } from './extract.ts';

export interface EmbedOptions extends FeatureOptions, Pick<OpenOptions, 'cache' | 'sources'> {
  /** File to write: .npy or .parquet. Default: none. */
  readonly output?: string | undefined;
  /** Called while images are fetched and features computed. */
  readonly onProgress?: (what: string, done: number, total: number) => void;
}

/** Features in memory, and the written files. */
export interface EmbedResult {
  /** [images, width], a row for each readable image; of patches [images, rows, columns, width]. */
  readonly features: Float32Array;
  /** Rows and columns of patches, where each patch has features. */
  readonly grid?: Size | undefined;
  /** Names of the images (`Dataset.id`). */
  readonly names: readonly string[];
  /** Labels of the rows, and names of the classes, if the images have classes. */
  readonly labels?: Int32Array | undefined;
  readonly classes?: readonly string[] | undefined;
  /** Number of images with features, and numbers per feature. */
  readonly images: number;
  readonly width: number;
  /** Number of unreadable images, which have no row. */
  readonly broken: number;
  /** Paths of the written files. */
  readonly files: readonly string[];
}

/**
 * Extracts features of images with a model (a file of weights, or the folder of a run), and writes them to `output`, if given. The
 * rows are features of central crops in the order of the data set, without unreadable images. Parts are cached on disk as soon as they
 * are done (see `FeatureExtractor`), so an interrupted call can be resumed. The file is written atomically at the end.
 *
 * ```ts
 * const { features, width, names } = await embed('runs/mine', '~/photos'); // names[i]: features[i * width …]
 * ```
 * @param source an image file, a source as `openDataset` takes it, or the images themselves
 * Throws RunError for an invalid output, and the errors of `openModel` and `openDataset`.
 */
export async function embed(
  path: string,
  source: string | Dataset,
  options: EmbedOptions = {},
): Promise<EmbedResult> {
  const { output, onProgress: report = () => {} } = options;
  const kind = output === undefined ? undefined : extname(output).toLowerCase();
  if (output !== undefined) await requireOutputFile(output, ['.npy', '.parquet']);
  const model = await openModel(path, { heads: options.heads, image: options.image });
  const watched = openOptions(options);
  const opened = async (name: string) =>
    (await isFile(name)) ? openImages([name], watched) : openDataset(name, watched);
  const dataset = typeof source === 'string' ? await opened(source) : source;
  const engine = await modelEngine(model, options);
  const broken = options.broken ?? new BrokenImages();
  const extractor = new FeatureExtractor(model, { ...options, engine, broken });
  try {
    requireMemory(dataset.length, featureSize(extractor.config));
    const { features, indices } = await extractor.features(dataset, (done, total) =>
      report('features', done, total),
    );
    const { width, grid } = featureShape(extractor.config);
    const table = {
      ...{ features, width, grid, files: Array.from(indices, (index) => dataset.id(index)) },
      labels: dataset.labels && indices.map((index) => dataset.labels![index]!),
      classes: dataset.classes,
    };
    const files = output === undefined ? [] : [output];
    if (output !== undefined && kind === '.npy') files.push(await writeNpyTable(output, table));
    if (output !== undefined && kind === '.parquet') await writeParquetTable(output, table);
    return {
      features,
      ...(grid && { grid }),
      names: table.files,
      ...(table.labels && { labels: table.labels, classes: table.classes }),
      ...{ images: indices.length, width, broken: dataset.length - indices.length, files },
    };
  } finally {
    await extractor.dispose();
  }
}

/** Features are held in memory twice while they are joined. Throws RunError where they would not fit. */
function requireMemory(images: number, values: number, memory = totalmem()): void {
  const bytes = 4 * images * values;
  const most = Math.min(memory / 4, 2 ** 33);
  const gigabytes = (n: number) => `${Number((n / 1e9).toPrecision(2))} GB`;
  if (bytes > most)
    throw new RunError(
      `features must take ${gigabytes(most)} at most on this machine, got ${gigabytes(bytes)} for ${plural(images, 'image')} of ${plural(values, 'number')}: ` +
        'embed fewer images at a time, or pooled tokens',
    );
}

async function isFile(name: string): Promise<boolean> {
  return stat(homePath(name)).then(
    (found) => found.isFile(),
    () => false,
  );
}
