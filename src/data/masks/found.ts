import { type ClassTable, hex, IGNORED } from './classes.ts';

/** A value or colour that masks hold. */
export interface FoundValue {
  readonly kind: 'values' | 'colours';
  /** The value, or the colour as `packColour` makes it. */
  readonly key: number;
  /** The number of its class, IGNORED, or undefined where the table has none. */
  readonly meaning: number | undefined;
  readonly pixels: number;
  readonly images: number;
  /** A mask that holds it. */
  readonly example: string;
}

/** Name of a value or colour: `7`, `#ff0080`. */
export function keyText({ kind, key }: Pick<FoundValue, 'kind' | 'key'>): string {
  return kind === 'colours' ? hex(key) : String(key);
}

/** Meaning of a value, in words. */
export function meaningText(meaning: number | undefined, table: ClassTable | undefined): string {
  if (meaning === undefined) return table ? '(not listed)' : '?';
  return meaning === IGNORED ? '(ignored)' : table!.classes[meaning]!.name;
}
