import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { plural } from '../../text/plural.ts';
import { DataError } from '../error.ts';
import { type Part, partOf } from '../parts.ts';
import { type Dataset, subset } from '../sources/dataset.ts';
import { type FolderOptions, openFolder } from '../sources/folder.ts';
import { type ClassTable, classColours, EXAMPLE, IGNORED, parseClasses } from './classes.ts';
import { knownClasses } from './known.ts';
import { type MaskFolders, maskLayout } from './layout.ts';

/** Images with the files of their masks, before anything is known of their classes. */
export interface MaskedImages {
  readonly name: string;
  readonly images: Dataset;
  /** The files of the masks, in the order of the images. */
  readonly masks: Dataset;
  /** Omitted files: images without a mask, masks without an image. */
  readonly problems: readonly string[];
}

/**
 * Images with a semantic mask each, from a folder in one of the usual layouts: see `maskLayout`. Images without a mask and masks without an
 * image are left out, which a note says.
 * @param spec a folder, or `FOLDER@val` for a part of it: train (the default where there are parts), val or test
 * Rejects with a DataError for another layout, and without a table of classes: `classes.json`, or a known set's own.
 */
export async function openMasks(spec: string, options: FolderOptions = {}): Promise<Dataset> {
  const found = await findMasks(spec, options);
  for (const problem of found.problems) options.onNote?.(problem);
  const table = await classTable(partOf(spec).folder);
  if (!table)
    throw new DataError(
      `the classes of masks must be listed in '${join(partOf(spec).folder, 'classes.json')}', such as ${EXAMPLE}: \`data verify masks:${spec}\` lists the values that the masks hold`,
    );
  return withMasks(found, table);
}

/** The images with their masks as a data set. */
export function withMasks({ name, images, masks }: MaskedImages, table: ClassTable): Dataset {
  const both = (a: string, b: string) =>
    createHash('sha256')
      .update(`${a}\n${b}\n${JSON.stringify(table)}`)
      .digest('hex')
      .slice(0, 32);
  const [of, by] = [images.content!, masks.content!];
  return {
    ...images,
    name,
    contentKey: `${images.length}-${both(images.contentKey, masks.contentKey)}`,
    content: {
      outline: `${images.length}-${both(of.outline, by.outline)}`,
      digest: async (options) => both(await of.digest(options), await by.digest(options)),
    },
    masks: {
      classes: table.classes.map((each) => each.name),
      colours: classColours(table),
      ignore: IGNORED,
      table,
      source: (index) => masks.source!(index),
    },
  };
}

/** Finds images and their masks. Rejects with a DataError for another layout, a part that is missing, and where nothing fits. */
export async function findMasks(spec: string, options: FolderOptions = {}): Promise<MaskedImages> {
  const { folder, part } = partOf(spec);
  const parts = maskLayout(folder);
  const chosen = part ?? (Object.keys(parts)[0] as Part);
  const folders = parts[chosen];
  if (!folders)
    throw new DataError(
      `'${folder}' must hold the part ${part}, got ${Object.keys(parts).join(', ')}: name one, or none`,
    );
  return paired(spec, folders, options);
}

/** The source of the validation images that belong to a folder of several parts; undefined for a part, and where there are none. */
export function validationOf(spec: string): string | undefined {
  const { folder, part } = partOf(spec);
  if (part !== undefined) return undefined;
  try {
    const { train, val } = maskLayout(folder);
    return train && val ? `masks:${folder}@val` : undefined;
  } catch {
    return undefined; // opening the images reports it
  }
}

/** The table of `classes.json` of a folder, or of a known set's own files; undefined where there is neither. */
export async function classTable(folder: string): Promise<ClassTable | undefined> {
  const file = join(folder, 'classes.json');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? knownClasses(folder) : parseClasses(text, file);
}

/** Ends of the names of masks that the names of their images do not have. */
const ENDS = [
  '',
  '_mask',
  '-mask',
  '_masks',
  '_label',
  '_labels',
  '_seg',
  '_segmentation',
  '_gt',
  '_L',
  '_P',
];

const stem = (id: string) => id.slice(0, id.length - extname(id).length);

async function paired(
  name: string,
  { images: at, masks: beside, names }: MaskFolders,
  options: FolderOptions,
): Promise<MaskedImages> {
  const quiet = { ...options, onNote: undefined };
  const images = await openFolder(at, options);
  const masks = await openFolder(beside, quiet);
  const maskAt = new Map(Array.from({ length: masks.length }, (_, i) => [stem(masks.id(i)), i]));
  const listed = names && new Set(names);
  const chosen = Array.from({ length: images.length }, (_, i) => i).filter(
    (i) => !listed || listed.has(stem(images.id(i))),
  );
  const found = chosen.map((i) => {
    const own = stem(images.id(i));
    return ENDS.map((end) => maskAt.get(own + end)).find((index) => index !== undefined);
  });
  const used = new Set(found);
  const kept = chosen.flatMap((image, i) => (found[i] === undefined ? [] : [[image, found[i]] as const]));
  if (kept.length === 0)
    throw new DataError(
      `a mask must have the name of its image (a.jpg and a.png, or a_mask.png), got '${images.id(0)}' in '${at}' and '${masks.id(0)}' in '${beside}', and no pair`,
    );
  const bare = chosen.filter((_, i) => found[i] === undefined).map((i) => images.id(i));
  const spare = listed ? [] : Array.from({ length: masks.length }, (_, i) => i).filter((i) => !used.has(i));
  const problems = [
    leftOut(bare, 'image', 'without a mask', 'each image must have a mask of its name', beside),
    leftOut(
      spare.map((i) => masks.id(i)),
      'mask',
      'without an image',
      'each mask must have an image of its name',
      at,
    ),
    leftOut(
      [...(listed ?? [])].filter((each) => !chosen.some((i) => stem(images.id(i)) === each)),
      'listed name',
      'without an image',
      'each name of a list must be that of an image',
      at,
    ),
  ].flat();
  return {
    name,
    images: subset(
      images,
      kept.map(([image]) => image),
      name,
    ),
    masks: subset(
      masks,
      kept.map(([, mask]) => mask),
    ),
    problems,
  };
}

function leftOut(ids: readonly string[], what: string, why: string, rule: string, where: string): string[] {
  if (ids.length === 0) return [];
  return [
    `${rule}, got ${plural(ids.length, what)} ${why} (such as '${basename(ids[0]!)}'): left out; look in '${where}'`,
  ];
}
