import type { BoxAnnotation } from '../sources/annotations.ts';
import { type AnnotatedImage, shown } from './annotated.ts';
import { parseXml, type XmlElement } from './xml.ts';

/** A VOC annotation whose classes are still names. */
export interface VocImage extends Pick<AnnotatedImage, 'size'> {
  readonly objects: readonly (Omit<BoxAnnotation, 'class'> & { readonly name: string })[];
}

/**
 * The objects of PASCAL VOC's XML: boxes count pixels from 1 on and hold their last one; difficult objects need not be found. A size of
 * 0 × 0 counts as none. Throws RangeError for another XML, or for text that is no XML.
 */
export function parseVoc(text: string): VocImage {
  const root = parseXml(text);
  if (root.name !== 'annotation')
    throw new RangeError(`the XML must be PASCAL VOC's <annotation>, got <${root.name.slice(0, 40)}>`);
  const size = child(root, 'size');
  const sides = size && (['height', 'width'] as const).map((side) => numberOf(size, side));
  if (sides?.some((side) => !(Number.isInteger(side) && side >= 0)))
    throw new RangeError(`the size must be whole pixels, got ${shown(sides)}: mend it or remove <size>`);
  const known = sides?.every((side) => side > 0);
  return {
    ...(known && { size: [sides![0]!, sides![1]!] as const }),
    objects: root.children.filter(({ name }) => name === 'object').map(objectOf),
  };
}

function objectOf(element: XmlElement, i: number): VocImage['objects'][number] {
  const what = `object ${i + 1}`;
  const name = child(element, 'name')?.text.trim();
  if (!name) throw new RangeError(`${what} must have a <name>, got none: give it one`);
  const box = child(element, 'bndbox');
  if (!box)
    throw new RangeError(`${what} (${shown(name)}) must have a <bndbox>, got none: mend or remove it`);
  const [x1, y1, x2, y2] = (['xmin', 'ymin', 'xmax', 'ymax'] as const).map((edge) => numberOf(box, edge));
  const edges = [x1! - 1, y1! - 1, x2!, y2!] as const;
  if (!edges.every(Number.isFinite) || edges[2] < edges[0] || edges[3] < edges[1])
    throw new RangeError(
      `the <bndbox> of ${what} (${shown(name)}) must be numbers, xmin ≤ xmax and ymin ≤ ymax, got ${shown([x1, y1, x2, y2])}: mend or remove it`,
    );
  const difficult = child(element, 'difficult')?.text.trim() === '1';
  return { name, box: edges, ...(difficult && { ignore: true }) };
}

const child = (element: XmlElement, name: string) => element.children.find((each) => each.name === name);

function numberOf(element: XmlElement, name: string): number {
  const text = child(element, name)?.text.trim();
  return text === undefined || text === '' ? Number.NaN : Number(text);
}
