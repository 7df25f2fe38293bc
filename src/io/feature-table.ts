import { ByteWriter, parquetWriteRows, type SchemaElement } from 'hyparquet-writer';
import { writeFileAtomic, writeFilesAtomic } from './atomic.ts';
import { npyContent } from './npy.ts';

/** Features and the files of their images. */
export interface FeatureTable {
  /** [n, D], or of patches [n, rows, columns, D] */
  readonly features: Float32Array;
  /** Rows and columns of patches, where each has features. */
  readonly grid?: readonly [rows: number, columns: number] | undefined;
  /** D */
  readonly width: number;
  /** [n] */
  readonly files: readonly string[];
  /** [n], class numbers and names of the images, if the images have labels. */
  readonly labels?: Int32Array | undefined;
  readonly classes?: readonly string[] | undefined;
}

/** The record of a row's image. */
interface ImageRow {
  readonly file: string;
  readonly label?: number;
  readonly class?: string;
}

/**
 * Writes features as a NumPy array [n, D] of float32, of patches [n, rows, columns, D], and `<name>.images.jsonl` next to it with `file` (and `label`
 * and `class`) of each row. If the array exists, the second file matches it. Returns the second file's path. Throws
 * the system's error.
 */
export async function writeNpyTable(path: string, table: FeatureTable): Promise<string> {
  const names = `${path.slice(0, -'.npy'.length)}.images.jsonl`;
  const lines = table.files.map((_, i) => `${JSON.stringify(imageRow(table, i))}\n`);
  const array = npyContent({
    shape: [table.files.length, ...(table.grid ?? []), table.width],
    data: table.features,
  });
  await writeFilesAtomic([
    [names, lines.join('')],
    [path, array],
  ]);
  return names;
}

/**
 * Writes features as a Parquet file, atomically: columns `file` (and `label` and `class`) and `feature`, a list of
 * float32; of patches a row for each, with `row` and `column` in the image. Builds the file in memory. Throws the system's error.
 */
export async function writeParquetTable(path: string, table: FeatureTable): Promise<void> {
  const { features, width, files, labels, grid } = table;
  const columns = [
    'file',
    ...(labels ? ['label', 'class'] : []),
    ...(grid ? ['row', 'column'] : []),
    'feature',
  ];
  const string = (name: string) =>
    ({ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', ...required }) as const;
  const schema: SchemaElement[] = [
    { name: 'root', num_children: columns.length },
    string('file'),
    ...(labels ? [{ name: 'label', type: 'INT32', ...required } as const, string('class')] : []),
    ...(grid ? ['row', 'column'] : []).map((name) => ({ name, type: 'INT32', ...required }) as const),
    { name: 'feature', num_children: 1, converted_type: 'LIST', ...required },
    { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
    { name: 'element', type: 'FLOAT', ...required },
  ];
  function* rows() {
    const [, across] = grid ?? [1, 1];
    const each = features.length / (files.length * width);
    for (let i = 0; i < files.length * each; i++) {
      const place = i % each;
      yield {
        ...imageRow(table, Math.floor(i / each)),
        ...(grid && { row: Math.floor(place / across), column: place % across }),
        feature: [...features.subarray(i * width, (i + 1) * width)],
      };
    }
  }
  const writer = new ByteWriter();
  await parquetWriteRows({
    writer,
    rows: rows(),
    columns: columns.map((name) =>
      name === 'feature' ? { name, encoding: 'PLAIN', statistics: false } : { name },
    ),
    schema,
    rowGroupSize: 1000,
    createdBy: 'beyond-masking',
  });
  await writeFileAtomic(path, writer.getBytes());
}

const required = { repetition_type: 'REQUIRED' } as const;

function imageRow({ files, labels, classes }: FeatureTable, i: number): ImageRow {
  const label = labels?.[i];
  return { file: files[i]!, ...(label !== undefined && { label, class: classes![label]! }) };
}
