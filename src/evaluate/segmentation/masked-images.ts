import { type ClassTable, IGNORED } from '../../data/masks/classes.ts';
import { keyText } from '../../data/masks/found.ts';
import { requireMasksOnce } from '../../data/masks/kept-scan.ts';
import type { MaskScan } from '../../data/masks/scan.ts';
import type { Dataset } from '../../data/sources/dataset.ts';
import type { OpenOptions } from '../../data/sources/scheme.ts';
import { RunError } from '../../run/error.ts';
import { plural } from '../../text/plural.ts';
import { type JudgedSetsOptions, openJudgedSets } from '../judged-sets.ts';

/** Images with masks: a training set and a test set. */
export interface MaskedSets {
  readonly train: Dataset;
  readonly test: Dataset;
  readonly table: ClassTable;
  /** The source of `test`, if it is not a share of the training source. */
  readonly testSource?: string;
}

export type MaskedSetsOptions = JudgedSetsOptions;

/**
 * Opens images with masks, and reads all masks: notes say which values they hold. Rejects with a RunError where images have no masks or
 * no test images are left, and with a DataError for masks that cannot be trained on: see `requireMasks`.
 */
export async function openMaskedSets(options: MaskedSetsOptions): Promise<MaskedSets> {
  const sets = await openJudgedSets(
    options,
    'images with masks are needed, got none: give masks:FOLDER with --data',
    (dataset, of, watch) => scanned(dataset, of === 'train' ? 'masks' : 'masks to evaluate on', watch),
  );
  const { found: table, tested, testSource } = sets;
  if (tested) requireSameClasses(table, tested, testSource!);
  return { train: sets.train, test: sets.test, table, ...(testSource !== undefined && { testSource }) };
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
