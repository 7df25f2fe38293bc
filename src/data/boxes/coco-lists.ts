import type { Size } from '../decode/crop.ts';
import type { BoxAnnotation } from '../sources/annotations.ts';
import { type AnnotatedImage, distinct, isRecord, shown } from './annotated.ts';

type Id = number | string;

/** Notes a fault. */
export type Fault = (what: string, rule: string, got: unknown, remedy: string) => void;
/** An image whose objects are being read. */
export type OpenImage = AnnotatedImage & { readonly objects: BoxAnnotation[] };

/** The images of COCO's JSON by their ids. */
export function imagesById(images: readonly unknown[], fault: Fault): Map<Id, OpenImage> {
  const byId = new Map<Id, OpenImage>();
  for (const [i, image] of images.entries()) {
    const what = `image ${i + 1} of the list`;
    const { id, file_name, coco_url: url, width, height } = isRecord(image) ? image : {};
    const name = file_name ?? (typeof url === 'string' ? url.split('/').slice(-2).join('/') : undefined); // LVIS has the second one
    if (!isId(id)) fault(what, 'an image must have an id, a number or text', id, 'give it one');
    else if (byId.has(id)) fault(what, 'the id of an image must stand once', id, 'number the images again');
    else if (typeof name !== 'string' || name === '')
      fault(what, 'an image must have a file_name', name, 'give it the name of its file');
    else {
      const unknown = (width ?? undefined) === undefined && (height ?? undefined) === undefined;
      if (!unknown && !(isSide(width) && isSide(height)))
        fault(
          `image ${shown(name)}`,
          'width and height must be whole pixels of at least 1',
          [width, height],
          'write the size of the upright picture, or leave both out',
        );
      else
        byId.set(id, {
          id,
          name: name.replaceAll('\\', '/'),
          ...(!unknown && { size: [height, width] as unknown as Size }),
          objects: [],
        });
    }
  }
  return byId;
}

/** The classes of COCO's JSON, by growing ids. */
export function classesOf(categories: readonly unknown[], fault: Fault) {
  const found: { id: Id; name: string }[] = [];
  const ids = new Set<Id>();
  for (const [i, category] of categories.entries()) {
    const { id, name } = isRecord(category) ? category : {};
    const what = `category ${i + 1} of the list`;
    if (!isId(id)) fault(what, 'a category must have an id, a number or text', id, 'give it one');
    else if (ids.has(id)) fault(what, 'the id of a category must stand once', id, 'number them again');
    else if (typeof name !== 'string' || name.trim() === '')
      fault(what, 'a category must have a name', name, 'give it one');
    else found.push({ id, name });
    if (isId(id)) ids.add(id);
  }
  // As pycocotools numbers them, whatever the order of the list.
  if (found.every(({ id }) => typeof id === 'number')) found.sort((a, b) => Number(a.id) - Number(b.id));
  return {
    classes: distinct(found.map(({ name }) => name)),
    classIds: found.map(({ id }) => id),
    classOf: new Map(found.map(({ id }, k) => [id, k])),
  };
}

/** True for an id of COCO's JSON. */
export const isId = (id: unknown): id is Id =>
  typeof id === 'string' || (typeof id === 'number' && Number.isFinite(id));

const isSide = (side: unknown): side is number => Number.isSafeInteger(side) && (side as number) > 0;
