import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { plural } from '../../text/plural.ts';
import type { Size } from '../decode/crop.ts';
import { DataError } from '../error.ts';
import { homePath } from '../home-path.ts';
import { type Part, partOf } from '../parts.ts';
import type { BoxAnnotation, Boxes } from '../sources/annotations.ts';
import { type Dataset, subset } from '../sources/dataset.ts';
import { type FolderOptions, openFolder } from '../sources/folder.ts';
import { type AnnotatedImage, shown } from './annotated.ts';
import { classNames } from './class-names.ts';
import { type BoxFiles, boxLayout, foldersFor, IMAGES, namedFiles } from './layout.ts';
import { type ReadAnnotations, readAnnotations } from './read.ts';

/** Images with their annotations, with everything that is wrong with these. */
export interface BoxedImages {
  readonly dataset: Dataset;
  /** Annotations that cannot be used: training would miss or confuse objects. */
  readonly faults: readonly string[];
  /** Omitted images and annotations. */
  readonly notes: readonly string[];
}

/**
 * Images with the boxes (and masks) of their objects, from COCO's JSON, PASCAL VOC's XML or YOLO's texts in one of the usual layouts: see
 * `boxLayout`. Images without annotations are left out, which a note says; of YOLO's, which has no file for an image without objects, they stay.
 * @param spec a folder, `FOLDER@val` for a part of it (train, the default where there are parts, val or test), a JSON of COCO's, or
 * `ANNOTATIONS,IMAGES` for annotations and images at different places
 * Rejects with a DataError for another layout and for annotations that cannot be used.
 */
export async function openBoxes(spec: string, options: FolderOptions = {}): Promise<Dataset> {
  const { dataset, faults, notes } = await findBoxes(spec, options);
  for (const note of notes) options.onNote?.(note);
  const [first, ...others] = faults;
  if (first === undefined) return dataset;
  const more =
    others.length > 0 ? ` (and ${plural(others.length, 'other fault')}: \`data verify\` lists them)` : '';
  throw new DataError(`${first}${more}`);
}

/** The same with all faults. Rejects with a DataError for another layout, a part that is missing, and where nothing fits. */
export async function findBoxes(spec: string, options: FolderOptions = {}): Promise<BoxedImages> {
  const { files, others } = filesOf(spec);
  const own = files.kind === 'coco' ? undefined : await classNames(foldersAbove(files.annotations, spec));
  const read = await readAnnotations(files, others, own);
  if (read.classes.length === 0 && read.faults.length === 0)
    throw new DataError(`annotations must have classes, got none in '${files.annotations}'`);
  if (read.images.length === 0 && read.faults[0] !== undefined) throw new DataError(read.faults[0]);
  const folder = imageFolder(files, read.images);
  const images = await openFolder(folder, options);
  const { kept, notes } = paired(images, read, files, folder);
  return {
    dataset: withBoxes(
      spec,
      subset(
        images,
        kept.map(([i]) => i),
      ),
      kept.map(([, image]) => image),
      read,
    ),
    faults: read.faults,
    notes: [...read.notes, ...notes],
  };
}

function filesOf(spec: string): { files: BoxFiles; others: readonly BoxFiles[] } {
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
function foldersAbove(annotations: string, spec: string): string[] {
  const { folder } = partOf(spec);
  const above = [annotations, dirname(annotations), dirname(dirname(annotations))];
  return above.includes(folder) ? above.slice(0, above.indexOf(folder) + 1) : above;
}

/** The folder that holds the images. */
function imageFolder(
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

const stem = (path: string) => path.slice(0, path.length - extname(path).length);

function paired(
  images: Dataset,
  { images: annotated }: ReadAnnotations,
  { kind, names, annotations }: BoxFiles,
  folder: string,
): { kept: readonly (readonly [index: number, image: AnnotatedImage])[]; notes: readonly string[] } {
  const key = kind === 'coco' ? (path: string) => path : stem;
  const listed = names && new Set(names);
  const all = Array.from({ length: images.length }, (_, i) => i);
  const chosen = listed ? all.filter((i) => listed.has(stem(images.id(i)))) : all;
  const places = new Map(chosen.map((i) => [key(images.id(i)), i]));
  const byName = new Map<string, number | undefined>(); // undefined: of several images
  for (const i of chosen) {
    const name = basename(key(images.id(i)));
    byName.set(name, byName.has(name) ? undefined : i);
  }
  const taken = new Map<number, AnnotatedImage>();
  const missing: string[] = [];
  const twice: string[] = [];
  for (const image of annotated) {
    const index = places.get(image.name) ?? byName.get(basename(image.name));
    if (index === undefined) missing.push(image.name);
    else if (taken.has(index)) twice.push(image.name);
    else taken.set(index, image);
  }
  const bare = chosen.filter((i) => !taken.has(i));
  if (taken.size === 0)
    throw new DataError(
      `annotations must name images of '${folder}', got ${shown(annotated[0]?.name)} in '${annotations}' and '${images.id(0)}' there, and no pair`,
    );
  if (kind === 'yolo') for (const i of bare) taken.set(i, { name: images.id(i), shares: true, objects: [] });
  const notes = [
    leftOut(
      bare.map((i) => images.id(i)),
      kind === 'yolo'
        ? 'without a file of annotations: they have no objects'
        : 'without annotations: left out',
    ),
    leftOut(listed ? [] : missing, `that the annotations name and '${folder}' has not: left out`),
    leftOut(twice, 'annotated twice: the first annotations are taken'),
  ].flat();
  return { kept: [...taken].sort(([a], [b]) => a - b), notes };
}

function leftOut(names: readonly string[], what: string): string[] {
  return names.length === 0 ? [] : [`${plural(names.length, 'image')} (such as ${shown(names[0])}) ${what}`];
}

/** The images with their objects as a data set. */
function withBoxes(
  name: string,
  images: Dataset,
  annotated: readonly AnnotatedImage[],
  { classes, classIds, digest }: ReadAnnotations,
): Dataset {
  const both = (key: string) =>
    createHash('sha256')
      .update(`${key}\n${digest}\n${JSON.stringify(classes)}`)
      .digest('hex')
      .slice(0, 32);
  const { content } = images;
  const ids = annotated.map(({ id }) => id);
  const boxes: Boxes = {
    classes,
    ...(classIds && { classIds }),
    ...(ids.every((id) => id !== undefined) && { imageId: (i: number) => ids[i]! }),
    of: (index, size) => objectsOf(annotated[index]!, size),
  };
  return {
    ...images,
    name,
    contentKey: `${images.length}-${both(images.contentKey)}`,
    ...(content && {
      content: {
        outline: `${images.length}-${both(content.outline)}`,
        digest: async (options) => both(await content.digest(options)),
      },
    }),
    boxes,
  };
}

/** The objects of an image in pixels. Throws a DataError where its size is not that of the annotations. */
function objectsOf({ size: stated, shares, objects }: AnnotatedImage, size: Size): readonly BoxAnnotation[] {
  if (stated && (stated[0] !== size[0] || stated[1] !== size[1])) {
    const turned =
      stated[0] === size[1] && stated[1] === size[0]
        ? ': the sides are swapped, as where the picture is turned by its EXIF orientation and the boxes are not: write them for the upright picture'
        : ': the boxes are those of another picture or size';
    throw new DataError(
      `annotations must state the size of the upright picture, ${size.join(' × ')} (height × width), got ${stated.join(' × ')}${turned}`,
    );
  }
  return shares ? objects.map((object) => inPixels(object, size)) : objects;
}

function inPixels(
  { box: [x1, y1, x2, y2], segmentation, ...rest }: BoxAnnotation,
  [height, width]: Size,
): BoxAnnotation {
  return {
    ...rest,
    box: [x1 * width, y1 * height, x2 * width, y2 * height],
    ...(Array.isArray(segmentation) && {
      segmentation: segmentation.map((outline: readonly number[]) =>
        outline.map((share, i) => share * (i % 2 ? height : width)),
      ),
    }),
  };
}
