import { stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { homePath } from '../../data/home-path.ts';
import { BrokenImages } from '../../data/load/broken.ts';
import { type Dataset, subset } from '../../data/sources/dataset.ts';
import { openImages } from '../../data/sources/image-list.ts';
import { isSpec, openDataset } from '../../data/sources/open.ts';
import { type OpenOptions, openOptions } from '../../data/sources/scheme.ts';
import { isFeatureTable, readFeatureTable } from '../../io/read-feature-table.ts';
import { RunError } from '../../run/error.ts';
import { plural } from '../../text/plural.ts';
import { type Model, openModel } from '../../weights/model.ts';
import { modelEngine } from '../model-engine.ts';
import { FeatureExtractor, type FeatureOptions } from './extract.ts';
import { type FeatureRows, type NearestImages, type Neighbour, nearest } from './nearest.ts';
import { neighbourGrid } from './neighbour-grid.ts';

export interface NeighboursOptions extends FeatureOptions, Pick<OpenOptions, 'cache' | 'sources'> {
  /** Neighbours of each image, at most. Default: 8. */
  readonly k?: number | undefined;
  /** The images that a file of features is of, for the picture. Default: files by their names, where these are there. */
  readonly images?: string | undefined;
  /** True: draws the images and their neighbours. Default: false. */
  readonly picture?: boolean | undefined;
  /** Called while images are fetched and features computed. */
  readonly onProgress?: (what: string, done: number, total: number) => void;
}

export interface NeighboursResult {
  readonly images: readonly NearestImages[];
  /** Number of images that were compared. */
  readonly among: number;
  /** A PNG file, if it was asked for and at least one neighbour can be found as an image. */
  readonly png?: Buffer | undefined;
}

/** The images among which neighbours are looked for. */
interface Candidates {
  readonly rows: FeatureRows & { readonly names: readonly string[] };
  /** The files of the rows, as far as they are known. */
  readonly files: readonly (string | undefined)[];
  /** Row → image, for the picture; undefined where no image is known. */
  readonly pictures?: ((row: number) => { dataset: Dataset; index: number } | undefined) | undefined;
}

/** The smallest cosine that two computations of the same features on different engines have. */
const SAME = 0.999;

/**
 * The images with the most similar features (cosine) to given ones, by a model (as `openModel` opens it).
 * @param queries names of images, as `openImages` takes them
 * @param among a source of images, or a file of features that `embed` wrote with the same model and the same tokens
 * Rejects with a RunError for features of another model, FileFormatError for other files, DataError where images cannot be used, and as
 * `openModel` does.
 */
export async function neighbours(
  path: string,
  queries: readonly string[],
  among: string,
  options: NeighboursOptions = {},
): Promise<NeighboursResult> {
  const { k = 8, onProgress: report = () => {} } = options;
  if (!Number.isSafeInteger(k) || k < 1)
    throw new RunError(`k must be a whole number of at least 1, got ${k}`);
  const model = await openModel(path, { heads: options.heads, image: options.image });
  const asked = await openImages(queries, openOptions(options));
  const broken = options.broken ?? new BrokenImages();
  const engine = await modelEngine(model, options);
  const extractor = new FeatureExtractor(model, { ...options, engine, broken });
  try {
    const own = await extractor.features(asked, (done, total) => report('features', done, total));
    const found =
      isFeatureTable(among) && !isSpec(among, options.sources)
        ? await fromFile(homePath(among), model, extractor, own.width, options)
        : await fromImages(among, extractor, options);
    const { names } = found.rows;
    const images = Array.from(own.indices, (index, i): NearestImages => {
      const query = own.features.subarray(i * own.width, (i + 1) * own.width);
      const file = fileOf(asked, index);
      const isOther = ({ row, similarity }: Neighbour) =>
        file === undefined ||
        (found.files[row] === undefined
          ? similarity < SAME || !endsWithName(file, names[row]!)
          : found.files[row] !== file);
      const near = nearest(found.rows, query, { k: k + 1 })
        .filter(isOther)
        .slice(0, k);
      return { name: asked.id(index), neighbours: near.map((each) => ({ ...each, name: names[each.row]! })) };
    });
    if (images.every(({ neighbours }) => neighbours.length === 0))
      throw new RunError(
        `neighbours must be other images, got ${among} with only the image that they are looked for: name a folder or a file of features with more images`,
      );
    const png = options.picture
      ? await neighbourGrid(model, images, { asked, indices: own.indices, pictures: found.pictures, broken })
      : undefined;
    return { images, among: names.length, ...(png && { png }) };
  } finally {
    await extractor.dispose();
  }
}

/** Path of an image's file; undefined where it is none. */
function fileOf({ source }: Dataset, index: number): string | undefined {
  const from = source?.(index);
  return from?.kind === 'file' && typeof from.file === 'string' ? resolve(from.file) : undefined;
}

/** True for a path whose last parts are a name: features keep the names of files relative to a folder that they do not name. */
function endsWithName(file: string, name: string): boolean {
  const [path, end] = [file, name].map((each) => each.replaceAll(sep, '/')) as [string, string];
  return `/${path}`.endsWith(`/${end}`);
}

async function fromImages(
  among: string,
  extractor: FeatureExtractor,
  options: NeighboursOptions,
): Promise<Candidates> {
  const dataset = await openDataset(among, openOptions(options));
  const { features, width, indices } = await extractor.features(dataset, (done, total) =>
    options.onProgress?.('features', done, total),
  );
  const rows = { features, width, names: Array.from(indices, (index) => dataset.id(index)) };
  return {
    rows,
    files: Array.from(indices, (index) => fileOf(dataset, index)),
    pictures: (row) => ({ dataset, index: indices[row]! }),
  };
}

async function fromFile(
  among: string,
  model: Model,
  extractor: FeatureExtractor,
  width: number,
  options: NeighboursOptions,
): Promise<Candidates> {
  const table = await readFeatureTable(among);
  const rule = `features must be those of the model: embed the images with ${model.path}`;
  if (table.width !== width)
    throw new RunError(
      `${rule}, got ${among} with ${plural(table.width, 'number')} each instead of ${width}`,
    );
  const rows = { ...table, names: table.names ?? numbers(table.features.length / width) };
  const named =
    options.images === undefined ? undefined : await openDataset(options.images, openOptions(options));
  const known =
    named && new Map(Array.from({ length: named.length }, (_, index) => [named.id(index), index]));
  const paths = await Promise.all(
    rows.names.map((name) => (named ? undefined : existing(name, dirname(among)))),
  );
  const places = new Map(paths.flatMap((path, row) => (path === undefined ? [] : [[row, path] as const])));
  const byPath = places.size > 0 ? await openImages([...places.values()]) : undefined;
  const order = new Map([...places.keys()].map((row, index) => [row, index]));
  const pictures = (row: number) => {
    const index = known ? known.get(rows.names[row]!) : order.get(row);
    const dataset = named ?? byPath;
    return dataset && index !== undefined ? { dataset, index } : undefined;
  };
  const files = rows.names.map((_, row) => {
    const at = pictures(row);
    return at && fileOf(at.dataset, at.index);
  });
  if (!(await haveSameFeatures({ rows, pictures, files }, extractor, among, rule)))
    options.onNote?.(
      `${among} could not be checked to hold features of ${model.path}: none of its images is found by its name and can be read; if they are of another model, the cosines mean nothing; name the images (--images FOLDER)`,
    );
  return { rows, files, pictures };
}

const numbers = (count: number) => Array.from({ length: count }, (_, row) => `row ${row}`);

/** The file of a name, as it is written or beside the features; undefined where there is none. */
async function existing(name: string, folder: string): Promise<string | undefined> {
  for (const path of [homePath(name), join(folder, name)]) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile()) return path;
  }
  return undefined;
}

/** Computes the features of one of the images again: false where none can be read. Throws RunError where they are others. */
async function haveSameFeatures(
  { rows, pictures }: Candidates,
  extractor: FeatureExtractor,
  among: string,
  rule: string,
): Promise<boolean> {
  const row = rows.names.findIndex((_, i) => pictures!(i));
  const at = row < 0 ? undefined : pictures!(row);
  if (!at) return false;
  const one = subset(at.dataset, [at.index]);
  const again = await extractor.features(one).catch(() => undefined); // its file may be broken by now
  if (!again) return false;
  const { width } = rows;
  const kept = { features: rows.features as Float32Array, width };
  const [same] = nearest(
    { ...kept, features: kept.features.subarray(row * width, (row + 1) * width) },
    again.features,
  );
  if (same!.similarity < SAME)
    throw new RunError(
      `${rule} and the same --tokens, got ${among}, whose features of ${rows.names[row]} have a cosine of ${same!.similarity.toFixed(3)} to them`,
    );
  return true;
}
