import type { Size } from '../decode/crop.ts';
import type { ClassTable } from '../masks/classes.ts';
import type { Colour } from '../masks/png.ts';
import type { ImageSource } from './image-source.ts';

/** Everything that a data set knows of its images beside their pixels. A sample is an image with its entry of each. */
export interface Annotations {
  /** Names of the classes; labels index into it. */
  readonly classes?: readonly string[];
  /** Class of every image: Int32Array [length]. */
  readonly labels?: Int32Array;
  readonly masks?: Masks;
  readonly boxes?: Boxes;
}

/** A semantic mask for every image. */
export interface Masks {
  /** Names of the classes; the pixels of a mask index into it. */
  readonly classes: readonly string[];
  /** The value of pixels without a class, which neither loss nor score counts. */
  readonly ignore?: number;
  /** Colours of the classes in pictures, [red, green, blue] in 0 … 255; where there are none, PASCAL VOC's for their numbers. */
  readonly colours?: readonly Colour[];
  /** Which values and colours of encoded masks are which class. Without it, the masks are pixels. */
  readonly table?: ClassTable;
  /** Where the mask of image `index` lies: one channel of class numbers, or a PNG for `table`; as large as the upright image. */
  source(index: number): ImageSource;
}

/** The objects of every image. */
export interface Boxes {
  /** Names of the classes. */
  readonly classes: readonly string[];
  /** Ids of the classes in files of annotations and results. Without them 1, 2, 3, … */
  readonly classIds?: readonly (number | string)[];
  /** Id of image `index` in files of annotations and results. Without it 1, 2, 3, … */
  imageId?(index: number): number | string;
  /**
   * The objects of image `index`; empty for an image without any. @param size of the upright image
   * Throws a DataError where the annotations are those of an image of another size.
   */
  of(index: number, size: Size): readonly BoxAnnotation[];
}

/**
 * A mask: outlines, [x, y, x, y, …] in pixels each; or lengths of runs of equal pixels, column by column, the first one of zeros, as a list
 * or as COCO's compressed text.
 */
export type Segmentation =
  | readonly (readonly number[])[]
  | { readonly size: Size; readonly counts: string | readonly number[] };

/** An object of an image. */
export interface BoxAnnotation {
  /** Left, top, right and bottom edge in pixels of the upright image; the right and bottom edge lie behind the last pixel. */
  readonly box: readonly [x0: number, y0: number, x1: number, y1: number];
  /** Index into the classes of the boxes. */
  readonly class: number;
  /** True if the box holds a group of objects, as `iscrowd` in COCO. */
  readonly crowd?: boolean;
  /** True if the object need not be found, as `difficult` in PASCAL VOC: nothing is learned from it, and it counts in no score. */
  readonly ignore?: boolean;
  /** Pixels of the object by its annotation; without it those of its mask, or of its box. */
  readonly area?: number;
  readonly segmentation?: Segmentation;
}

/** How each annotation of a data set becomes that of its images at `indices`: a new annotation is added here. */
const carriers: {
  readonly [K in keyof Annotations]-?: (
    annotation: NonNullable<Annotations[K]>,
    indices: Int32Array,
  ) => NonNullable<Annotations[K]>;
} = {
  classes: (classes) => classes,
  labels: (labels, indices) => indices.map((index) => labels[index]!),
  masks: (masks, indices) => ({ ...masks, source: (i) => masks.source(indices[i]!) }),
  boxes: ({ imageId, ...boxes }, indices) => ({
    ...boxes,
    ...(imageId && { imageId: (i: number) => imageId(indices[i]!) }),
    of: (i, size) => boxes.of(indices[i]!, size),
  }),
};

/** The annotations of the images at `indices`, in that order. */
export function annotationsAt(annotations: Annotations, indices: Int32Array): Annotations {
  const carried = Object.entries(carriers).flatMap(([name, carry]) => {
    const annotation = annotations[name as keyof Annotations];
    // The key ties both types together, which the compiler cannot see.
    return annotation ? [[name, (carry as (a: unknown, b: Int32Array) => unknown)(annotation, indices)]] : [];
  });
  return Object.fromEntries(carried);
}
