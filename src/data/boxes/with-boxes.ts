import { createHash } from 'node:crypto';
import type { Size } from '../decode/crop.ts';
import { DataError } from '../error.ts';
import type { BoxAnnotation, Boxes } from '../sources/annotations.ts';
import type { Dataset } from '../sources/dataset.ts';
import type { AnnotatedImage } from './annotated.ts';
import type { ReadAnnotations } from './read.ts';

/** The images with their objects as a data set. */
export function withBoxes(
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
