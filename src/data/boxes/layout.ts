import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DataError } from '../error.ts';
import { PARTS, type Part, partLists } from '../parts.ts';

/** Where the annotations of images lie, and the images. */
export interface BoxFiles {
  readonly kind: 'coco' | 'voc' | 'yolo';
  /** COCO's JSON, or a folder of files with the names of the images. */
  readonly annotations: string;
  /** Folders that may hold the images, the likeliest first. */
  readonly images: readonly string[];
  /** Names of the images of the part, without endings; undefined: all. */
  readonly names?: readonly string[];
}

/** The layouts in words, for messages and help. */
export const LAYOUTS =
  "COCO's annotations/instances_train.json (or train/_annotations.coco.json), PASCAL VOC's Annotations/ and JPEGImages/, YOLO's labels/ and images/, each with train/ and val/ or without";

/** Usual names of folders of images. */
export const IMAGES = ['images', 'JPEGImages', 'image', 'imgs', 'img'];
/** Endings of files with the name of an image. */
export const ENDINGS = { voc: '.xml', yolo: '.txt' } as const;
const BESIDE = {
  voc: ['Annotations', 'annotations', 'xmls', 'labels'],
  yolo: ['labels', 'annotations'],
} as const;
/** Other JSON files of COCO's, and files of other programs. */
const OTHER = /caption|keypoint|panoptic|stuff|image_info|unlabel|^classes\.json$|^package/i;

/**
 * The parts of a folder of images with boxes, in any of the usual layouts; without parts all images are `train`. COCO's JSON is taken where
 * there are several kinds. Throws a DataError for a folder that is missing or of another layout, and the system's error.
 */
export function boxLayout(folder: string): Partial<Record<Part, BoxFiles>> {
  if (!isFolder(folder)) throw new DataError(`the data folder must exist, got '${folder}'`);
  for (const find of [cocoParts, vocParts, yoloParts]) {
    const parts = find(folder);
    if (Object.keys(parts).length > 0) return parts;
  }
  const got = readdirSync(folder).slice(0, 8).join(', ') || 'nothing';
  throw new DataError(
    `images with boxes must lie in ${LAYOUTS}; got ${got} in '${folder}': or name both, boxes:ANNOTATIONS,IMAGES`,
  );
}

/** Annotations and images that were named by their paths. */
export function namedFiles(annotations: string, images: readonly string[]): BoxFiles {
  if (!isFolder(annotations)) return { kind: 'coco', annotations, images };
  const kind = (['voc', 'yolo'] as const).find((each) => holds(annotations, ENDINGS[each]));
  if (!kind)
    throw new DataError(`a folder of annotations must hold .xml or .txt files, got none in '${annotations}'`);
  return { kind, annotations, images };
}

/** Folders in which the images of a JSON file may lie, the likeliest first. */
export function foldersFor(json: string): string[] {
  const here = dirname(json);
  const above = dirname(here);
  const words = basename(json, '.json').split(/[^A-Za-z0-9]+/);
  const part = words.map(partOfWord).find((each) => each !== undefined);
  const names = [...words, ...(part ? PARTS[part] : [])].filter((name) => name !== '');
  return [here, above].flatMap((root) => [
    ...(root === here ? [here] : []),
    ...names.flatMap((name) => [join(root, 'images', name), join(root, name), join(root, name, 'images')]),
    ...IMAGES.map((each) => join(root, each)),
    ...(root === above ? [above] : []),
  ]);
}

function partOfWord(word: string): Part | undefined {
  const plain = word.toLowerCase().replace(/\d+$/, '');
  return (Object.keys(PARTS) as Part[]).find((part) => PARTS[part].includes(plain));
}

function cocoParts(folder: string): Partial<Record<Part, BoxFiles>> {
  const below = subFolders(folder).filter((name) => name === 'annotations' || partOfWord(name) !== undefined);
  const files = ['annotations', '', ...below.filter((name) => name !== 'annotations')].flatMap((name) =>
    filesOf(join(folder, name))
      .filter((file) => file.endsWith('.json') && !OTHER.test(file))
      .map((file) => join(name, file)),
  );
  const parts: Partial<Record<Part, BoxFiles>> = {};
  const instancesFirst = files.sort((a, b) => Number(/instances/i.test(b)) - Number(/instances/i.test(a)));
  const coco = (file: string): BoxFiles => {
    const json = join(folder, file);
    return { kind: 'coco', annotations: json, images: foldersFor(json) };
  };
  for (const file of instancesFirst) {
    const part = file
      .split(/[^A-Za-z0-9]+/)
      .map(partOfWord)
      .find((each) => each !== undefined);
    if (part) parts[part] ??= coco(file);
  }
  if (Object.keys(parts).length > 0) return parts;
  const [only] = instancesFirst.filter((file) => /instances|annotations|coco|labels|^result/i.test(file));
  return only === undefined ? {} : { train: coco(only) };
}

const vocParts = (folder: string) => byFolders(folder, 'voc');
const yoloParts = (folder: string) => byFolders(folder, 'yolo');

/** Parts whose images each have a file of annotations with their name. */
function byFolders(folder: string, kind: 'voc' | 'yolo'): Partial<Record<Part, BoxFiles>> {
  const parts: Partial<Record<Part, BoxFiles>> = {};
  const firstOf = (
    pairs: readonly (readonly [annotations: string, images: string])[],
  ): BoxFiles | undefined => {
    const found = pairs
      .map(([a, b]) => [join(folder, a), join(folder, b)] as const)
      .find(([annotations, images]) => isFolder(images) && holds(annotations, ENDINGS[kind]));
    return found && { kind, annotations: found[0], images: [found[1]] };
  };
  const pairs = BESIDE[kind].flatMap((annotations) => IMAGES.map((images) => [annotations, images] as const));
  for (const part of Object.keys(PARTS) as Part[]) {
    const names = [folder, ...BESIDE[kind].map((each) => join(folder, each))]
      .flatMap(subFolders)
      .filter((name) => partOfWord(name) === part);
    const found = firstOf(
      [...new Set(names)].flatMap((name) => [
        ...pairs.map(([a, b]) => [`${a}/${name}`, `${b}/${name}`] as const),
        ...pairs.map(([a, b]) => [`${name}/${a}`, `${name}/${b}`] as const),
        [name, name] as const,
      ]),
    );
    if (found) parts[part] = found;
  }
  if (Object.keys(parts).length > 0) return parts;
  const all = firstOf([...pairs, ['obj_train_data', 'obj_train_data'], ['', '']]);
  if (!all) return {};
  const lists = partLists(join(folder, 'ImageSets', 'Main'));
  if (Object.keys(lists).length === 0) return { train: all };
  return Object.fromEntries(Object.entries(lists).map(([part, names]) => [part, { ...all, names }]));
}

function holds(folder: string, ending: string): boolean {
  return filesOf(folder).some((name) => name.toLowerCase().endsWith(ending) && !isClassList(name));
}

/** True for a file that lists the names of classes. */
export function isClassList(name: string): boolean {
  return (
    CLASS_LISTS.includes(name) || name.endsWith('.names') || /^(readme.*|train|val|test)\.txt$/i.test(name)
  );
}

export const CLASS_LISTS = ['classes.txt', 'labels.txt'];

function filesOf(folder: string): string[] {
  return entries(folder)
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

function subFolders(folder: string): string[] {
  return entries(folder)
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map(({ name }) => name)
    .sort();
}

function entries(folder: string) {
  return isFolder(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
