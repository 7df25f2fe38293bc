import { basename, extname } from 'node:path';
import { plural } from '../../text/plural.ts';
import { DataError } from '../error.ts';
import type { Dataset } from '../sources/dataset.ts';
import { type AnnotatedImage, shown } from './annotated.ts';
import type { BoxFiles } from './layout.ts';
import type { ReadAnnotations } from './read.ts';

const stem = (path: string) => path.slice(0, path.length - extname(path).length);

/** Images of a folder with their annotations. */
export interface Pairs {
  readonly kept: readonly (readonly [index: number, image: AnnotatedImage])[];
  readonly faults: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Finds the annotations of each image: by its path in the folder, or where one path is the end of the other. Throws a DataError where none has
 * any.
 */
export function paired(
  images: Dataset,
  { images: annotated }: ReadAnnotations,
  { kind, names, annotations }: BoxFiles,
  folder: string,
): Pairs {
  const key = kind === 'coco' ? (path: string) => path : stem;
  const listed = names && new Set(names);
  const all = Array.from({ length: images.length }, (_, i) => i);
  const chosen = listed ? all.filter((i) => listed.has(stem(images.id(i)))) : all;
  const find = finder(chosen.map((i) => [key(images.id(i)), i]));
  const taken = new Map<number, AnnotatedImage>();
  const missing: string[] = [];
  const faults: string[] = [];
  for (const image of annotated) {
    const index = find(image.name);
    const other = index === undefined ? undefined : taken.get(index);
    if (index === undefined) missing.push(image.name);
    else if (other)
      faults.push(
        `an image must be annotated once, got ${shown(other.name)} and ${shown(image.name)} for '${images.id(index)}' in '${annotations}': leave one out, or name the folder in which their paths begin, boxes:${annotations},FOLDER`,
      );
    else taken.set(index, image);
  }
  if (taken.size === 0)
    throw new DataError(
      `annotations must name images of '${folder}', got ${shown(annotated[0]?.name)} in '${annotations}' and '${images.id(0)}' there, and no pair`,
    );
  const bare = chosen.filter((i) => !taken.has(i));
  if (kind === 'yolo') for (const i of bare) taken.set(i, { name: images.id(i), shares: true, objects: [] });
  const without = kind === 'yolo' ? 'a file of annotations: they have no objects' : 'annotations: left out';
  const notes = [
    ...note(
      bare.map((i) => images.id(i)),
      `without ${without}`,
    ),
    ...note(listed ? [] : missing, `that the annotations name and '${folder}' has not: left out`),
  ];
  return { kept: [...taken].sort(([a], [b]) => a - b), faults, notes };
}

/** Finds the image of a path: that of the same path, else the only one whose path is the end of it, or has it as its end. */
function finder(images: readonly (readonly [path: string, index: number])[]) {
  const places = new Map(images);
  const byName = new Map<string, [path: string, index: number][]>();
  for (const [path, index] of images) {
    const name = basename(path);
    const same = byName.get(name);
    if (same) same.push([path, index]);
    else byName.set(name, [[path, index]]);
  }
  const isEnd = (path: string, of: string) => of.endsWith(`/${path}`);
  return (path: string): number | undefined => {
    const exact = places.get(path);
    if (exact !== undefined) return exact;
    const similar = (byName.get(basename(path)) ?? []).filter(
      ([own]) => isEnd(own, path) || isEnd(path, own),
    );
    return similar.length === 1 ? similar[0]![1] : undefined;
  };
}

function note(names: readonly string[], what: string): string[] {
  return names.length === 0 ? [] : [`${plural(names.length, 'image')} (such as ${shown(names[0])}) ${what}`];
}
