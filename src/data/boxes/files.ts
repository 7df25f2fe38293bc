import { statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { DataError } from '../error.ts';
import { homePath } from '../home-path.ts';
import { type Part, partOf } from '../parts.ts';
import { type AnnotatedImage, shown } from './annotated.ts';
import { type BoxFiles, boxLayout, foldersFor, IMAGES, namedFiles } from './layout.ts';

/** The annotations that a text names, and the ones of all parts of its folder. Throws a DataError for another layout, and a part that is missing. */
export function filesOf(spec: string): { files: BoxFiles; others: readonly BoxFiles[] } {
  const both = twoPaths(spec);
  if (both) {
    for (const path of both)
      if (!found(path)) throw new DataError(`annotations and images must exist, got '${path}'`);
    return { files: namedFiles(both[0], [both[1]]), others: [] };
  }
  if (found(spec)?.isFile()) return { files: namedFiles(spec, foldersFor(spec)), others: [] };
  const { folder, part } = partOf(spec);
  const parts = boxLayout(folder);
  const chosen = part ?? (Object.keys(parts)[0] as Part);
  const files = parts[chosen];
  if (!files)
    throw new DataError(
      `'${folder}' must hold the part ${part}, got ${Object.keys(parts).join(', ')}: name one, or none`,
    );
  return { files, others: Object.values(parts) };
}

const found = (path: string) => statSync(path, { throwIfNoEntry: false });

/** The paths of `ANNOTATIONS,IMAGES`; undefined for one path. */
function twoPaths(spec: string): [annotations: string, images: string] | undefined {
  const comma = spec.lastIndexOf(',');
  if (comma < 1 || found(spec)) return undefined;
  return [homePath(spec.slice(0, comma)), homePath(spec.slice(comma + 1))];
}

/** The same source for programs that run in another folder. */
export function absoluteBoxes(spec: string): string {
  return (twoPaths(spec) ?? [homePath(spec)]).map((path) => resolve(path)).join(',');
}

/** The source of the validation images that belong to a folder of several parts; undefined for a part, and where there are none. */
export function validationOf(spec: string): string | undefined {
  const { folder, part } = partOf(spec);
  if (part !== undefined) return undefined;
  try {
    const { train, val } = boxLayout(folder);
    return train && val ? `boxes:${folder}@val` : undefined;
  } catch {
    return undefined; // opening the images reports it
  }
}

/** The folders in which the classes of annotations may be listed. */
export function foldersAbove(annotations: string, spec: string): string[] {
  const { folder } = partOf(spec);
  const above = [annotations, dirname(annotations), dirname(dirname(annotations))];
  return above.includes(folder) ? above.slice(0, above.indexOf(folder) + 1) : above;
}

/** The folder that holds the annotated images. Throws a DataError where no usual one does. */
export function imageFolder(
  { images: candidates, annotations }: BoxFiles,
  annotated: readonly AnnotatedImage[],
): string {
  const isFile = (path: string) => found(path)?.isFile() ?? false;
  if (candidates.length === 1) return candidates[0]!;
  const some = annotated.slice(0, 20).flatMap(({ name }) => [name, basename(name)]);
  const folder = candidates.find((each) => some.some((name) => isFile(join(each, name))));
  if (folder !== undefined) return folder;
  // In folders inside it: names without these are found all the same.
  const usual = candidates.find((each) => IMAGES.includes(basename(each)) && found(each)?.isDirectory());
  if (usual !== undefined) return usual;
  throw new DataError(
    `the images of '${annotations}' must lie beside it, in images/ or in a folder with the name of their part, got ${shown(annotated[0]?.name)} in none of these: name their folder, boxes:${annotations},FOLDER`,
  );
}
