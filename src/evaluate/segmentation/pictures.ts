import type { Colour } from '../../data/masks/png.ts';
import type { Dataset, RawImage } from '../../data/sources/dataset.ts';
import type { RgbImage } from '../../visualize/rgb-image.ts';
import { type LabelledPicture, renderSegmentation } from '../../visualize/segmentation.ts';
import { shortNames } from '../../visualize/titles.ts';
import type { Watch } from '../evaluator.ts';
import { type Segmenting, segmented } from './evaluate-segmentation.ts';

/** Draws image, truth, prediction and overlay of the images of a data set, as a PNG file; undefined where none can be read. */
export async function segmentationGrid(
  dataset: Dataset,
  how: Segmenting,
  { classes, colours }: { readonly classes: readonly string[]; readonly colours: readonly Colour[] },
  watch: Watch = {},
): Promise<Buffer | undefined> {
  const pictures: LabelledPicture[] = [];
  const names: string[] = [];
  for await (const { index, truth, predicted } of segmented(dataset, how, watch)) {
    pictures.push({ image: shownImage(await dataset.image(index)), truth, predicted });
    names.push(dataset.id(index));
  }
  if (pictures.length === 0) return undefined;
  const titles = shortNames(names);
  return renderSegmentation({
    pictures: pictures.map((picture, i) => ({ ...picture, title: titles[i]! })),
    classes,
    colours,
  });
}

/** An image in colours: grey is repeated, and of other bands the first one is shown. */
export function shownImage({ width, height, channels, data }: RawImage): RgbImage {
  if (channels === 3) return { width, height, data };
  const colours = Uint8Array.from(
    { length: 3 * width * height },
    (_, i) => data[Math.floor(i / 3) * channels]!,
  );
  return { width, height, data: colours };
}
