import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { normals, seed } from '../../tests/support/random.ts';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { rng } from '../random/rng.ts';
import { type FeatureTable, writeNpyTable, writeParquetTable } from './feature-table.ts';
import { writeNpy } from './npy.ts';
import { readFeatureTable } from './read-feature-table.ts';
import { readNpy } from './read-npy.ts';

const folder = temporaryFolder();
const fixtures = fileURLToPath(new URL('../../tests/fixtures/npy/', import.meta.url));
const at = (name: string) => join(folder, name);
const features = normals(rng(seed), 12);
const files = ['a.png', 'sub/ü.png', "it's.jpg"];
const rows: FeatureTable = { features, width: 4, files };

describe('features', () => {
  it.each(['.npy', '.parquet'])('are read from %s as they were written', async (kind) => {
    const path = at(`rows${kind}`);
    await (kind === '.npy' ? writeNpyTable(path, rows) : writeParquetTable(path, rows));
    expect(await readFeatureTable(path)).toEqual({ features, width: 4, names: files });
  });

  it('of NumPy, pandas with pyarrow, and pyarrow alone are read', async () => {
    const { data } = await readNpy(`${fixtures}features.npy`);
    expect(await readFeatureTable(`${fixtures}features.npy`)).toEqual({ features: data, width: 7 });
    const names = Array.from({ length: 40 }, (_, i) => `image ${i}.png`);
    expect(await readFeatureTable(`${fixtures}features-pandas.parquet`)).toEqual({
      features: data,
      width: 7,
      names,
    });
    expect(await readFeatureTable(`${fixtures}features-pyarrow.parquet`)).toEqual({
      features: data,
      width: 7,
    });
  });

  it('of other forms are refused with the rule', async () => {
    const refused = async (name: string, message: RegExp) => {
      await expect(readFeatureTable(at(name))).rejects.toThrow(message);
    };
    await writeNpyTable(at('patches.npy'), { features, width: 2, files, grid: [1, 2] });
    await refused('patches.npy', /one row of numbers for each image, \[images, width\], got \[3,1,2,2\]/);
    await writeParquetTable(at('patches.parquet'), { features, width: 2, files, grid: [1, 2] });
    await refused('patches.parquet', /a row for each image, got "a row for each patch"/);
    await writeNpyTable(at('few.npy'), rows);
    await writeFile(at('few.images.jsonl'), '{"file":"a.png"}\n');
    await refused('few.npy', /names must be one "file" for each of 3 rows of features, got 1/);
    await writeNpy(at('nan.npy'), { shape: [2, 2], data: Float32Array.of(1, 2, 3, Number.NaN) });
    await refused(
      'nan.npy',
      /features must be finite numbers, embed the images again: row 1, counted from 0, has another, got NaN/,
    );
    await writeFile(at('text.parquet'), 'no Parquet file at all');
    await refused(
      'text.parquet',
      /must be a Parquet file that can be read, embed the images again, got "a broken file/,
    );
    await expect(readFeatureTable(`${fixtures}other-columns.parquet`)).rejects.toThrow(
      /a column "feature" of lists of numbers/,
    );
  });
});
