import { plural } from '../../text/plural.ts';
import { DataError } from '../error.ts';
import { type Dataset, subset } from '../sources/dataset.ts';
import { type FolderOptions, openFolder } from '../sources/folder.ts';
import { classNames } from './class-names.ts';
import { filesOf, foldersAbove, imageFolder } from './files.ts';
import { paired } from './paired.ts';
import { readAnnotations } from './read.ts';
import { withBoxes } from './with-boxes.ts';

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
  const { kept, faults, notes } = paired(images, read, files, folder);
  const indices = kept.map(([index]) => index);
  const annotated = kept.map(([, image]) => image);
  return {
    dataset: withBoxes(spec, subset(images, indices), annotated, read),
    faults: [...read.faults, ...faults],
    notes: [...read.notes, ...notes],
  };
}
