import { type ClassTable, IGNORED } from '../../data/masks/classes.ts';
import { keyText } from '../../data/masks/found.ts';
import { requireMasksOnce } from '../../data/masks/kept-scan.ts';
import type { MaskScan } from '../../data/masks/scan.ts';
import { sameImages } from '../../data/sources/content.ts';
import { type Dataset, split } from '../../data/sources/dataset.ts';
import { openDataset, testSetOf } from '../../data/sources/open.ts';
import type { OpenOptions } from '../../data/sources/scheme.ts';
import { RunError } from '../../run/error.ts';
import { plural } from '../../text/plural.ts';

/** Images with masks: a training set and a test set. */
export interface MaskedSets {
  readonly train: Dataset;
  readonly test: Dataset;
  readonly table: ClassTable;
  /** The source of `test`, if it is not a share of the training source. */
  readonly testSource?: string;
}

export interface MaskedSetsOptions extends OpenOptions {
  readonly source: string;
  /** The test images. Default: the val part of `source`, or a held-out share of it. */
  readonly test?: string | undefined;
  readonly heldOut: number;
}

/**
 * Opens images with masks, and reads all masks: notes say which values they hold. Rejects with a RunError where images have no masks or
 * no test images are left, and with a DataError for masks that cannot be trained on: see `requireMasks`.
 */
export async function openMaskedSets({
  source,
  test: given,
  heldOut,
  ...options
}: MaskedSetsOptions): Promise<MaskedSets> {
  if (source === '')
    throw new RunError('images with masks are needed, got none: give masks:FOLDER with --data');
  const all = await openDataset(source, options);
  const table = await scanned(all, 'masks', options);
  const other = given ?? testSetOf(source, options.sources);
  if (other === undefined) {
    if (heldOut === 0)
      throw new RunError(
        'images to evaluate on are needed, got none: data.heldOut is 0; give some with --test, or hold some out with --set data.heldOut=0.1',
      );
    const { train, heldOut: test } = split(all, heldOut);
    return { train, test, table };
  }
  const test = await openDataset(other, options);
  const tested = await scanned(test, 'masks to evaluate on', options);
  if (await sameImages(test, all, options))
    throw new RunError(
      `training and test images must differ, got ${source} for both: give other images with --test`,
    );
  requireSameClasses(table, tested, other);
  return { train: all, test, table, testSource: other };
}

async function scanned(dataset: Dataset, what: string, options: OpenOptions): Promise<ClassTable> {
  const { onProgress, onNote, signal } = options;
  const scan = await requireMasksOnce(dataset, {
    ...{ signal, cache: options.cache },
    onProgress: (done, total) => onProgress?.({ phase: 'decode', name: what, done, total }),
  });
  const table = dataset.masks!.table!;
  for (const line of aboutMasks(scan, table, what)) onNote?.(line);
  return table;
}

/** Names of a line at most. */
const NAMED = 8;

/** The values of masks, most pixels first, what is ignored, and the classes that never occur. */
export function aboutMasks({ images, pixels, found }: MaskScan, table: ClassTable, what: string): string[] {
  const share = (count: number) => `${((100 * count) / pixels).toFixed(1)} %`;
  const shown = found.slice(0, NAMED).map((value) => {
    const name = value.meaning === IGNORED ? 'ignored' : table.classes[value.meaning!]!.name;
    return `${keyText(value)} ${name} ${share(value.pixels)}`;
  });
  const more = found.length > NAMED ? ` and ${plural(found.length - NAMED, 'other')}` : '';
  const ignored = found
    .filter(({ meaning }) => meaning === IGNORED)
    .reduce((sum, value) => sum + value.pixels, 0);
  const missing = table.classes.filter((_, k) => found.every(({ meaning }) => meaning !== k));
  const names = missing.slice(0, NAMED).map(({ name }) => name);
  return [
    `${what} of ${plural(images, 'image')}: ${shown.join(', ')}${more}; ${share(ignored)} ignored`,
    ...(missing.length > 0
      ? [
          `${what} have no pixel of ${plural(missing.length, 'class', 'classes')}: ${names.join(', ')}${missing.length > NAMED ? ', …' : ''}`,
        ]
      : []),
  ];
}

function requireSameClasses(table: ClassTable, tested: ClassTable, source: string): void {
  const [a, b] = [table, tested].map(({ classes }) => classes.map(({ name }) => name));
  if (JSON.stringify(a) === JSON.stringify(b)) return;
  const at = a!.findIndex((name, i) => name !== b![i]);
  throw new RunError(
    `the masks to evaluate on must have the classes of the training masks in the same order, got ${source} with ${b![at] ?? 'none'} in the place of ${a![at] ?? 'none'}: mend its classes.json`,
  );
}
