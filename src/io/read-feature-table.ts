import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { FileFormatError } from './file-format-error.ts';
import { readRows } from './jsonl.ts';
import { readNpy } from './read-npy.ts';

/** Features of images, a row each, as `embed` writes them. */
export interface FeatureRowsFile {
  /** [n, D] */
  readonly features: Float32Array;
  /** D */
  readonly width: number;
  /** [n], names of the images, if the file has them. */
  readonly names?: readonly string[] | undefined;
}

/** True for the name of a file that `readFeatureTable` reads. */
export const isFeatureTable = (path: string): boolean => /\.(npy|parquet)$/i.test(path);

/**
 * Reads features that `embed` wrote, or another program in the same form: a .npy file of numbers [n, D], with the names in
 * `<name>.images.jsonl` beside it, if that is there; or a Parquet file with the columns `feature`, lists of numbers, and, if it has
 * names, `file`. Throws FileFormatError for other content, or the system's error.
 */
export async function readFeatureTable(path: string): Promise<FeatureRowsFile> {
  const table = await (/\.npy$/i.test(path) ? readArray(path) : readParquet(path));
  const fault = table.features.findIndex((value) => !Number.isFinite(value));
  if (fault >= 0)
    throw new FileFormatError(
      path,
      `features must be finite numbers, embed the images again: row ${Math.floor(fault / table.width)}, counted from 0, has another`,
      table.features[fault],
    );
  return table;
}

async function readArray(path: string): Promise<FeatureRowsFile> {
  const { shape, data } = await readNpy(path);
  const [rows, width] = shape;
  if (shape.length !== 2 || !rows || !width)
    throw new FileFormatError(
      path,
      'features must be one row of numbers for each image, [images, width]',
      shape,
    );
  const names = await readNames(`${path.slice(0, -'.npy'.length)}.images.jsonl`, rows);
  return { features: Float32Array.from(data as ArrayLike<number>, Number), width, ...(names && { names }) };
}

/** Names of the rows; undefined without the file. */
async function readNames(path: string, rows: number): Promise<string[] | undefined> {
  const found = await readRows(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!found) return undefined;
  const names = found.map(({ file }) => file);
  if (names.length !== rows || !names.every((name) => typeof name === 'string'))
    throw new FileFormatError(
      path,
      `names must be one "file" for each of ${rows} rows of features`,
      found.length,
    );
  return names;
}

async function readParquet(path: string): Promise<FeatureRowsFile> {
  const rule =
    'a Parquet file of features must have a column "feature" of lists of numbers, of one length, a row for each image';
  const file = await asyncBufferFromFile(path);
  // The reader's own messages are about its buffers.
  const rows = await parquetReadObjects({ file }).catch(() => {
    throw new FileFormatError(
      path,
      'the file must be a Parquet file that can be read, embed the images again',
      'a broken file or one of another kind',
    );
  });
  const lists = rows.map(({ feature }) => feature as ArrayLike<number> | undefined);
  const width = lists[0]?.length ?? 0;
  if (width === 0 || !lists.every((list) => list?.length === width && typeof list[0] === 'number'))
    throw new FileFormatError(path, rule, rows.length === 0 ? 'no rows' : Object.keys(rows[0]!));
  if (rows.some((row) => 'column' in row && 'row' in row))
    throw new FileFormatError(path, rule, 'a row for each patch');
  const features = new Float32Array(lists.length * width);
  for (const [i, list] of lists.entries()) features.set(list!, i * width);
  const names = rows.map(({ file: name }) => name);
  return {
    features,
    width,
    ...(names.every((name) => typeof name === 'string') && { names: names as string[] }),
  };
}
