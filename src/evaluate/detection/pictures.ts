import type { Dataset } from '../../data/sources/dataset.ts';
import { type DetectedPicture, type DrawnObject, renderDetections } from '../../visualize/detections.ts';
import { shortNames } from '../../visualize/titles.ts';
import type { Watch } from '../evaluator.ts';
import { shownImage } from '../segmentation/pictures.ts';
import { type Detecting, detected } from './evaluate-detection.ts';

/** Score from which a detection is drawn. */
export const SHOWN_SCORE = 0.5;

/** Draws truth and detections of the images of a data set, as a PNG file; undefined where none can be read. */
export async function detectionGrid(
  dataset: Dataset,
  detecting: Detecting,
  classes: readonly string[],
  watch: Watch = {},
): Promise<Buffer | undefined> {
  const pictures: (DetectedPicture & { readonly name: string })[] = [];
  for await (const { index, size, objects } of detected(dataset, detecting, watch)) {
    const truth = dataset.boxes
      ?.of(index, size)
      .map(({ box, class: of }): DrawnObject => ({ box, class: of }));
    pictures.push({
      name: dataset.id(index),
      image: shownImage(await dataset.image(index)),
      ...(truth && { truth }),
      found: objects.filter(({ score }) => score >= SHOWN_SCORE),
    });
  }
  if (pictures.length === 0) return undefined;
  const titles = shortNames(pictures.map(({ name }) => name));
  return renderDetections({
    pictures: pictures.map((picture, i) => ({ ...picture, title: titles[i]! })),
    classes,
  });
}
