import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../error.ts';
import { type ClassTable, tableOf } from './classes.ts';
import type { Colour } from './png.ts';

const VOC =
  'background aeroplane bicycle bird boat bottle bus car cat chair cow dining-table dog horse motorbike person potted-plant sheep sofa train tv-monitor';
const CAMVID = 'sky building pole road pavement tree sign-symbol fence car pedestrian bicyclist';

/** Published sets that their folders identify. */
const known: readonly ((folder: string) => Promise<ClassTable | undefined>)[] = [
  // Label maps as CVAT writes them: a line `name:red,green,blue::` for each class, masks in colours.
  async (folder) => {
    const text = await textOf(join(folder, 'labelmap.txt'));
    return text === undefined ? undefined : labelMap(text, join(folder, 'labelmap.txt'));
  },
  // ADE20K of the scene parsing benchmark: 0 is everything else.
  async (folder) => {
    const text = await textOf(join(folder, 'objectInfo150.txt'));
    return text === undefined ? undefined : tableOf(objectNames(text), { first: 1, ignore: [0] });
  },
  // PASCAL VOC: 255 is the border of objects.
  async (folder) => {
    const lists = await exists(join(folder, 'ImageSets', 'Segmentation'));
    const masks = await exists(join(folder, 'SegmentationClass'));
    return lists && masks ? tableOf(VOC.split(' '), { ignore: [255] }) : undefined;
  },
  // CamVid of the SegNet project: 11 is everything else.
  async (folder) =>
    (await exists(join(folder, 'trainannot'))) ? tableOf(CAMVID.split(' '), { ignore: [11] }) : undefined,
];

/** The table of a published set, by files that it alone has; undefined for other folders. */
export async function knownClasses(folder: string): Promise<ClassTable | undefined> {
  for (const find of known) {
    const table = await find(folder);
    if (table) return table;
  }
  return undefined;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

async function textOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Names of `objectInfo150.txt`: a line of headings, then `Idx, Ratio, Train, Val, Stuff, Name` with tabs between them. */
function objectNames(text: string): string[] {
  const rows = text.split(/\r?\n/).filter((line) => /^\d/.test(line));
  const names = rows.map((line) => line.split('\t').at(-1)!.split(',')[0]!.trim());
  return names.map((name, i) => (names.indexOf(name) === i ? name : `${name} (${i + 1})`));
}

function labelMap(text: string, file: string): ClassTable {
  const rows = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const classes = rows.map((line) => {
    const [, name, numbers] = /^(.+?):(\d+,\d+,\d+):/.exec(line) ?? [];
    if (!numbers)
      throw new DataError(`a line of '${file}' must be "name:red,green,blue::", got ${JSON.stringify(line)}`);
    return { name: name!, values: [], colours: [numbers.split(',').map(Number) as unknown as Colour] };
  });
  return { classes, ignored: { values: [], colours: [] } };
}
