import { dirname, join } from 'node:path';
import { storedValues } from '../../config/segment-schema.ts';
import { type ClassTable, classColours } from '../../data/masks/classes.ts';
import type { Dataset } from '../../data/sources/dataset.ts';
import type { Size } from '../../image/size.ts';
import { writeFileAtomic } from '../../io/atomic.ts';
import { appendRows } from '../../io/jsonl.ts';
import { makeFolder } from '../../io/make-folder.ts';
import { encodePalettePng, type Palette } from '../../io/palette-png.ts';
import { toPng } from '../../visualize/rgb-image.ts';
import { overlayLabels } from '../../visualize/segmentation.ts';
import { contentKey } from '../features/feature-cache.ts';
import { imageName } from '../predict.ts';
import { knownRows, namesOfMissing } from './output-names.ts';
import { shownImage } from './pictures.ts';

/** A line of `predictions.jsonl`. */
interface Row {
  /** See `Prediction`. */
  readonly image: string;
  /** Name of the files of the image, without ending. */
  readonly name: string;
  readonly model: string;
}

/** The predictions of a model for images in a folder. */
export interface PredictionFolder {
  /** True if it has the prediction of an image. */
  has(index: number): boolean;
  /** Writes mask and overlay of an image, then its line. */
  write(
    index: number,
    labels: Uint8Array,
    size: Size,
  ): Promise<{ readonly mask: string; readonly overlay: string }>;
}

/**
 * Opens a new folder of predictions, or that of an earlier call. Throws RunError for a folder with predictions of another model, or with
 * other lines.
 */
export async function openOutput(
  output: string,
  table: ClassTable,
  weights: Readonly<Record<string, Float32Array>>,
  dataset: Dataset,
): Promise<PredictionFolder> {
  const colours = classColours(table);
  const values = storedValues(table); // a folder of predictions is read as one of masks is
  const palette: Palette = Array.from(
    { length: Math.max(...values) + 1 },
    (_, value) => colours[values.indexOf(value)] ?? [0, 0, 0],
  );
  const classes = table.classes.map(({ name }, k) => ({ name, value: values[k], color: colours[k] }));
  const text = `${JSON.stringify({ classes, ignore: [] }, null, 2)}\n`;
  const model = contentKey([text, ...Object.values(weights)]).slice(0, 12);
  const list = join(output, 'predictions.jsonl');
  const names = namesOfMissing(dataset, await knownRows<Row>(list, output, model));
  for (const folder of ['masks', 'overlays']) await makeFolder(join(output, folder));
  await writeFileAtomic(join(output, 'classes.json'), text);
  return {
    has: (index) => !names.has(index),
    async write(index, labels, [height, width]) {
      const name = names.get(index)!;
      const [mask, overlay] = ['masks', 'overlays'].map((folder) => join(output, folder, `${name}.png`)) as [
        string,
        string,
      ];
      for (const path of [mask, overlay]) await makeFolder(dirname(path));
      const stored = labels.map((label) => values[label]!);
      await writeFileAtomic(mask, encodePalettePng({ width, height, data: stored }, palette));
      const image = shownImage(await dataset.image(index));
      await writeFileAtomic(overlay, await toPng(overlayLabels(image, labels, colours)));
      const row: Row = { image: imageName(dataset, index), name, model };
      await appendRows(list, [{ ...row }]);
      return { mask, overlay };
    },
  };
}
