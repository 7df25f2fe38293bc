import { extname, isAbsolute } from 'node:path';
import type { Dataset } from '../../data/sources/dataset.ts';
import { readRows } from '../../io/jsonl.ts';
import { RunError } from '../../run/error.ts';
import { shortNames } from '../../visualize/titles.ts';
import { imageName } from '../predict.ts';

/**
 * Names of files that are made from images, without endings, in the order of the images: the names of the images, with their folders where
 * they lie below one. Images that differ in their endings alone keep these; further equal names get numbers.
 * @param others names that are taken
 */
export function outputNames(ids: readonly string[], others: Iterable<string> = []): string[] {
  const below = ids.every((id) => !isAbsolute(id) && !id.split(/[\\/]/).includes('..'));
  const paths = (below ? ids : shortNames(ids)).map((id) =>
    id
      .replaceAll('\\', '/')
      .split('/')
      .filter((part) => part !== '' && part !== '..' && part !== '.')
      .map((part) => part.replaceAll(':', '_'))
      .join('/'),
  );
  const stems = paths.map((path) => path.slice(0, path.length - extname(path).length));
  const taken = new Set(others);
  const seen = new Set<string>();
  const repeated = new Set(stems.filter((stem) => seen.has(stem) || !seen.add(stem)));
  return paths.map((path, i) => {
    const name = repeated.has(stems[i]!) ? path : stems[i]!;
    let unique = name;
    for (let n = 2; taken.has(unique); n++) unique = `${name}-${n}`;
    taken.add(unique);
    return unique;
  });
}

/** The entries of every line of `predictions.jsonl`: the image, the name of its files, and the model. */
interface PredictionRow {
  readonly image: string;
  readonly name: string;
  readonly model: string;
}

/** The names for the files of images that a folder does not have yet, by their index in the data set. */
export function namesOfMissing(dataset: Dataset, rows: readonly PredictionRow[]): Map<number, string> {
  const known = new Map(rows.map(({ image, name }) => [image, name]));
  const indices = Array.from({ length: dataset.length }, (_, index) => index);
  const missing = indices.filter((index) => !known.has(imageName(dataset, index)));
  const free = outputNames(
    missing.map((index) => dataset.id(index)),
    known.values(),
  );
  return new Map(missing.map((index, i) => [index, free[i]!]));
}

/**
 * The lines of a folder of predictions of this model; none of a new folder. Throws RunError for those of another model, and for other lines.
 */
export async function knownRows<Row extends PredictionRow>(
  list: string,
  output: string,
  model: string,
): Promise<Row[]> {
  const rows = await readRows<Partial<PredictionRow>>(list).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const isRow = ({ image, name }: Partial<PredictionRow>) =>
    typeof image === 'string' && typeof name === 'string';
  if (!rows.every(isRow))
    throw new RunError(
      `an output folder must be new or hold predictions, got ${output} with other lines in predictions.jsonl: choose another folder with --output`,
    );
  if (rows.some((row) => row.model !== model))
    throw new RunError(
      `an output folder must hold predictions of the same model, got ${output} with those of another: choose another folder with --output`,
    );
  return rows as Row[];
}
