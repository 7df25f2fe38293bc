import { availableParallelism } from 'node:os';
import { plural } from '../../text/plural.ts';
import { imageSize } from '../decode/image-size.ts';
import { DataError } from '../error.ts';
import { inParallel } from '../load/parallel.ts';
import type { Dataset } from '../sources/dataset.ts';
import { adviceOn } from './advice.ts';
import type { ClassTable } from './classes.ts';
import type { FoundValue } from './found.ts';
import { keyed, readStoredMask } from './read.ts';

/** Content of the masks of a data set. */
export interface MaskScan {
  readonly images: number;
  readonly pixels: number;
  /** Most pixels first; of more than 4096 different ones the first that were met. */
  readonly found: readonly FoundValue[];
  /** Masks that cannot be read, and masks of another size than their image, with the reason of each. */
  readonly broken: ReadonlyMap<string, string>;
  /** Faults that must be mended before training, each with its remedy. */
  readonly problems: readonly string[];
}

export interface ScanMasksOptions {
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

const MOST = 4096;

/**
 * Reads all masks of a data set: which values they hold, which classes those are, and what is wrong with them. Of images only the sizes
 * are read. @param table the classes; without them every value is one that the table has not
 * Rejects with the signal's reason.
 */
export async function scanMasks(
  { images, masks }: { readonly images: Dataset; readonly masks: Pick<Dataset, 'id' | 'source'> },
  table: ClassTable | undefined,
  { onProgress = () => {}, signal }: ScanMasksOptions = {},
): Promise<MaskScan> {
  const all = new Map<string, { -readonly [K in keyof FoundValue]: FoundValue[K] }>();
  const broken = new Map<string, string>();
  let [pixels, done] = [0, 0];
  const known = table ?? { classes: [], ignored: { values: [], colours: [] } };
  await inParallel(
    images.length,
    2 * availableParallelism(),
    signal ?? new AbortController().signal,
    async (index) => {
      const id = masks.id(index);
      try {
        const stored = await readStoredMask(masks.source!(index));
        const size = await imageSize(images.source!(index));
        requireEqual(size, [stored.height, stored.width]);
        const { kind, keys, meaning } = keyed(stored, known);
        pixels += keys.length;
        for (const [key, count] of counted(keys)) {
          const name = `${kind}${key}`;
          const entry = all.get(name);
          if (entry) {
            entry.pixels += count;
            entry.images++;
          } else if (all.size < MOST)
            all.set(name, { kind, key, meaning: meaning.get(key), pixels: count, images: 1, example: id });
        }
      } catch (error) {
        broken.set(id, (error as Error).message);
      }
      onProgress(++done, images.length);
    },
  );
  const found = [...all.values()].sort((a, b) => b.pixels - a.pixels || a.key - b.key);
  const scan = { images: images.length, pixels, found, broken };
  return { ...scan, problems: [...brokenOnes(broken), ...adviceOn(scan, table)] };
}

/**
 * Scans the masks of a data set before it is trained on. Resolves to their values.
 * Rejects with a DataError for what must be mended first: its message names rule, finding and remedy.
 */
export async function requireMasks(dataset: Dataset, options: ScanMasksOptions = {}): Promise<MaskScan> {
  const { masks } = dataset;
  if (!masks?.table)
    throw new DataError(
      `images must have masks to be segmented, got '${dataset.name}' without any: masks:FOLDER has them`,
    );
  const id = (index: number) => {
    const source = masks.source(index);
    return source.kind !== 'module' && typeof source.file === 'string' ? source.file : dataset.id(index);
  };
  const files = { id, source: masks.source };
  const scan = await scanMasks({ images: dataset, masks: files }, masks.table, options);
  if (scan.problems.length > 0) throw new DataError(scan.problems.join('; '));
  return scan;
}

function counted(keys: ArrayLike<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (let i = 0; i < keys.length; ) {
    const start = i;
    const key = keys[start]!;
    while (i < keys.length && keys[i] === key) i++;
    counts.set(key, (counts.get(key) ?? 0) + i - start);
  }
  return counts;
}

function requireEqual(image: readonly number[], mask: readonly number[]): void {
  if (image[0] === mask[0] && image[1] === mask[1]) return;
  const turned =
    image[0] === mask[1] && image[1] === mask[0]
      ? ': the sides are swapped, as where the picture is turned by its EXIF orientation and the mask is not'
      : ': resize the mask by the nearest pixel, or take the picture that it was drawn on';
  throw new DataError(
    `a mask must have its image's size, ${image.join(' × ')} (height × width), got ${mask.join(' × ')}${turned}`,
  );
}

function brokenOnes(broken: ReadonlyMap<string, string>): string[] {
  const [first] = broken;
  if (!first) return [];
  const others = broken.size > 1 ? ` (and ${plural(broken.size - 1, 'other mask')})` : '';
  return [`'${first[0]}'${others}: ${first[1]}`];
}
