import { plural } from '../../text/plural.ts';
import { partOf } from '../parts.ts';
import { verifyImages } from '../sources/check-images.ts';
import type { OpenOptions, Verified } from '../sources/scheme.ts';
import type { ClassTable } from './classes.ts';
import { keyText, meaningText } from './found.ts';
import { classTable, findMasks } from './open.ts';
import { type MaskScan, scanMasks } from './scan.ts';

/**
 * Reads every image and mask of `masks:FOLDER`: the values of the masks with their classes and shares, and what is wrong.
 * Without a table of classes the report ends with one to begin with. Rejects with a DataError for a folder of another layout.
 */
export async function verifyMasks(spec: string, { onProgress, signal }: OpenOptions): Promise<Verified> {
  const table = await classTable(partOf(spec).folder);
  const found = await findMasks(spec);
  const watch = (name: string) => (done: number, total: number) =>
    onProgress?.({ phase: 'decode', name, done, total });
  const scan = await scanMasks(found, table, { onProgress: watch('masks'), signal });
  const broken = await verifyImages(found.images, watch('images'));
  const problems = [
    ...found.problems,
    ...[...broken].map(([id, reason]) => `broken: ${id}: ${reason}`),
    ...scan.problems,
  ];
  const heading = `${plural(scan.images, 'image')} with masks, ${plural(scan.found.length, 'value')}`;
  return {
    lines: [heading, ...(table ? [] : suggestion(scan, partOf(spec).folder)), ...problems],
    rows: [['value', 'class', 'pixels', 'images'], ...rows(scan, table)],
    sound: problems.length === 0 && table !== undefined,
  };
}

/** A line of the table for each of the most frequent values. */
function rows({ found, pixels }: MaskScan, table: ClassTable | undefined): string[][] {
  return found.slice(0, 256).map((value) => {
    const share = value.pixels / pixels;
    const digits = share < 0.001 ? 4 : 2;
    return [
      keyText(value),
      meaningText(value.meaning, table),
      `${(100 * share).toFixed(digits)} %`,
      String(value.images),
    ];
  });
}

function suggestion({ found }: MaskScan, folder: string): string[] {
  const classes = found.slice(0, 20).map((value) => {
    const { kind, key } = value;
    const colour = [key >> 16, (key >> 8) & 255, key & 255];
    return { name: `class ${keyText(value)}`, ...(kind === 'values' ? { value: key } : { color: colour }) };
  });
  return [
    `the classes must be listed in '${folder}/classes.json', got no such file; to begin with: ${JSON.stringify({ classes, ignore: [] })}`,
  ];
}
