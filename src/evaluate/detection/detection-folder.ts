import { dirname, join } from 'node:path';
import { type CocoResult, cocoResults } from '../../data/boxes/results.ts';
import type { Dataset } from '../../data/sources/dataset.ts';
import { writeFileAtomic } from '../../io/atomic.ts';
import { appendRows } from '../../io/jsonl.ts';
import { makeFolder } from '../../io/make-folder.ts';
import type { FoundBox } from '../../run/find-objects.ts';
import { drawObjects } from '../../visualize/detections.ts';
import { toPng } from '../../visualize/rgb-image.ts';
import { contentKey } from '../features/feature-cache.ts';
import { imageName } from '../predict.ts';
import { knownRows, namesOfMissing } from '../segmentation/output-names.ts';
import { shownImage } from '../segmentation/pictures.ts';
import type { BoxClass } from './boxed-images.ts';
import { SHOWN_SCORE } from './pictures.ts';

/** A line of `predictions.jsonl`: the image, the name of its picture, and its objects in COCO's format. */
interface Row {
  readonly image: string;
  readonly name: string;
  readonly model: string;
  readonly objects: readonly CocoResult[];
}

/** The objects that a model finds in images, in a folder. */
export interface DetectionFolder {
  /** True if it has the objects of an image. */
  has(index: number): boolean;
  /** Writes the picture of an image, then its line. */
  write(index: number, objects: readonly FoundBox[]): Promise<{ readonly picture: string }>;
  /** Writes `results.json`: the objects of all images. */
  finish(): Promise<void>;
}

/**
 * Opens a new folder of predictions, or that of an earlier call. Throws RunError for a folder with predictions of another model, or with
 * other lines.
 */
export async function openOutput(
  output: string,
  classes: readonly BoxClass[],
  weights: Readonly<Record<string, Float32Array>>,
  dataset: Dataset,
): Promise<DetectionFolder> {
  const model = contentKey([JSON.stringify(classes), ...Object.values(weights)]).slice(0, 12);
  const list = join(output, 'predictions.jsonl');
  const names = namesOfMissing(dataset, await knownRows<Row>(list, output, model));
  await makeFolder(join(output, 'pictures'));
  const imageId = dataset.boxes?.imageId;
  const ids = { classIds: classes.map(({ id }) => id), ...(imageId && { imageId }) };
  return {
    has: (index) => !names.has(index),
    async write(index, objects) {
      const name = names.get(index)!;
      const picture = join(output, 'pictures', `${name}.png`);
      await makeFolder(dirname(picture));
      const shown = objects.filter(({ score }) => score >= SHOWN_SCORE);
      const drawn = await drawObjects(
        shownImage(await dataset.image(index)),
        shown,
        classes.map((each) => each.name),
      );
      await writeFileAtomic(picture, await toPng(drawn));
      const row: Row = {
        ...{ image: imageName(dataset, index), name, model },
        objects: cocoResults(index, objects, ids),
      };
      await appendRows(list, [{ ...row }]);
      return { picture };
    },
    async finish() {
      const rows = await knownRows<Row>(list, output, model);
      const results = rows.flatMap(({ objects }) => objects);
      await writeFileAtomic(join(output, 'results.json'), `${JSON.stringify(results)}\n`);
    },
  };
}
