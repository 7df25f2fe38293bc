import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../error.ts';
import { PARTS, type Part, partLists } from '../parts.ts';

/** Where the images of a part lie, and their masks. */
export interface MaskFolders {
  readonly images: string;
  readonly masks: string;
  /** Names of the files of the part, without endings; undefined: all. */
  readonly names?: readonly string[];
}

const IMAGES = ['images', 'JPEGImages', 'image', 'imgs', 'img', 'leftImg8bit'];
const MASKS = ['masks', 'annotations', 'SegmentationClass', 'labels', 'mask', 'label', 'gtFine'];
/** Suffix of an image folder's name that makes the name of its mask folder: CamVid's `train` and `trainannot`. */
const BEHIND = ['annot', '_labels', '_masks', '_annotations', '_gt'];

/** The layouts in words, for messages and help. */
export const LAYOUTS =
  'images/ and masks/ (or annotations/, labels/), each with train/ and val/ or without; train/images/ and train/masks/; JPEGImages/ and SegmentationClass/; train/ and trainannot/';

/**
 * The parts of a folder of images and masks, in any of the usual layouts; without parts all images are `train`.
 * Throws a DataError for a folder that is missing or of another layout, and the system's error.
 */
export function maskLayout(folder: string): Partial<Record<Part, MaskFolders>> {
  if (!statSync(folder, { throwIfNoEntry: false }))
    throw new DataError(`the data folder must exist, got '${folder}'`);
  const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const firstOf = (candidates: readonly (readonly [images: string, masks: string])[]) => {
    const paths = candidates.map(([images, masks]) => [join(folder, images), join(folder, masks)] as const);
    const found = paths.find((pair) => pair.every(isFolder));
    return found && { images: found[0], masks: found[1] };
  };
  const parts: Partial<Record<Part, MaskFolders>> = {};
  for (const [part, names] of Object.entries(PARTS) as [Part, readonly string[]][]) {
    const folders = firstOf(
      names.flatMap((name) => [
        ...pairs.map(([images, masks]) => [`${images}/${name}`, `${masks}/${name}`] as const),
        ...pairs.map(([images, masks]) => [`${name}/${images}`, `${name}/${masks}`] as const),
        ...BEHIND.map((end) => [name, `${name}${end}`] as const),
      ]),
    );
    if (folders) parts[part] = folders;
  }
  if (Object.keys(parts).length > 0) return parts;
  const all = firstOf(pairs);
  if (!all) {
    const got = readdirSync(folder).slice(0, 8).join(', ') || 'nothing';
    throw new DataError(`images with masks must lie in ${LAYOUTS}; got ${got} in '${folder}'`);
  }
  const lists = Object.entries(partLists(join(folder, 'ImageSets', 'Segmentation')));
  if (lists.length === 0) return { train: all };
  return Object.fromEntries(lists.map(([part, names]) => [part, { ...all, names }]));
}

const pairs = IMAGES.flatMap((images) => MASKS.map((masks) => [images, masks] as const));
