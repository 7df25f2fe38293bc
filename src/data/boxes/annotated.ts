import type { Size } from '../decode/crop.ts';
import type { BoxAnnotation } from '../sources/annotations.ts';

/** An image with its objects, as a file of annotations has them. */
export interface AnnotatedImage {
  /** Name of the image's file, with '/' between folders; for annotations in a file with the image's name, that without its ending. */
  readonly name: string;
  /** Its id in the file of annotations. */
  readonly id?: number | string;
  /** Size of the image by the annotations, where they state it. */
  readonly size?: Size;
  /** True if boxes and outlines are in shares of the image's sides, and not in pixels. */
  readonly shares?: boolean;
  readonly objects: readonly BoxAnnotation[];
}

/** The content of files of annotations. */
export interface AnnotationSet {
  readonly classes: readonly string[];
  /** Ids of the classes in the file of annotations. */
  readonly classIds?: readonly (number | string)[];
  readonly images: readonly AnnotatedImage[];
  /** Annotations that cannot be used, each with file, rule, finding and remedy. */
  readonly faults: readonly string[];
  /** Annotations that are left out, and other things to know. */
  readonly notes: readonly string[];
}

/** A value in a message: short whatever it is. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return `'${value.length > 60 ? `${value.slice(0, 60)}…` : value}'`;
  if (Array.isArray(value)) {
    const plain = value.length <= 6 && value.every((each) => typeof each !== 'object' || each === null);
    return plain ? `[${value.map(shown).join(', ')}]` : `a list of ${value.length}`;
  }
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** True for an object of JSON that is no list. */
export function isRecord(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** Names that stand once: a second "cat" becomes "cat (2)". */
export function distinct(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
}
