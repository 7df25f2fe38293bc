import { type Size, whole } from '../decode/crop.ts';
import { decodeView } from '../decode/decode.ts';
import { BrokenImages } from '../load/broken.ts';
import type { Dataset } from './dataset.ts';
import { isEncoded } from './image-source.ts';

/** Content of a data set. */
export interface ImageCounts {
  readonly images: number;
  /** Images of each class by its name, where there are classes. */
  readonly classes?: Readonly<Record<string, number>>;
}

/** Counts images without reading them. */
export function countImages({ length, classes, labels }: Dataset): ImageCounts {
  if (!classes || !labels) return { images: length };
  const counts = classes.map(() => 0);
  for (const label of labels) counts[label]!++;
  return { images: length, classes: Object.fromEntries(classes.map((name, i) => [name, counts[i]!])) };
}

/** Decodes every image, and returns the reasons for the unreadable ones, by name. */
export async function verifyImages(
  dataset: Dataset,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<ReadonlyMap<string, string>> {
  const broken = new BrokenImages(() => {});
  const atOnce = 16;
  for (let start = 0; start < dataset.length; start += atOnce) {
    const indices = Array.from({ length: Math.min(atOnce, dataset.length - start) }, (_, i) => start + i);
    await Promise.all(
      indices.map(async (index) => {
        try {
          await read(dataset, index);
        } catch (error) {
          broken.add(dataset.id(index), error);
        }
      }),
    );
    onProgress(start + indices.length, dataset.length);
  }
  return broken.reasons;
}

/** Decodes an image; a large one without keeping its pixels. */
async function read(dataset: Dataset, index: number): Promise<void> {
  const source = dataset.source?.(index);
  if (!isEncoded(source)) return void (await dataset.image(index));
  const resized: Size = [8, 8];
  const choose = (image: Size) => ({ box: whole(image), resized, window: whole(resized), flip: false });
  await decodeView(source, choose, () => {});
}
