import { vocPalette } from '../../io/palette-png.ts';
import { plural } from '../../text/plural.ts';
import { DataError } from '../error.ts';
import { type Colour, packColour } from './png.ts';

/** A class: its values in masks, its name and its colour. */
export interface MaskClass {
  readonly name: string;
  /** Values of palettes and grey masks that mean it; several are merged. */
  readonly values: readonly number[];
  /** Colours of masks in colours that mean it; the first is also its colour in pictures. */
  readonly colours: readonly Colour[];
}

/** Which values and colours of masks are which class: no value is guessed. */
export interface ClassTable {
  /** At most 255, for 255 is the number of ignored pixels. */
  readonly classes: readonly MaskClass[];
  /** Values and colours without a class, which neither loss nor score counts. */
  readonly ignored: { readonly values: readonly number[]; readonly colours: readonly Colour[] };
}

/** The number of pixels without a class. */
export const IGNORED = 255;

export const EXAMPLE =
  '{"classes": [{"name": "background", "value": 0}, {"name": "nucleus", "value": 255}], "ignore": []}';

/**
 * The table that a `classes.json` holds. Two forms: `{"classes": [{"name", "value" or "values", "color" or "colors"}, …], "ignore": [values
 * and colours]}`, or `{"0": "background", "1": "nucleus"}`, where equal names are merged.
 * @param file what messages call it
 * Throws a DataError for text that is no such table, and for a value or colour that stands twice.
 */
export function parseClasses(text: string, file: string): ClassTable {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new DataError(`'${file}' must be JSON, such as ${EXAMPLE}: ${(error as Error).message}`);
  }
  const refuse = (rule: string, got: unknown): never => {
    throw new DataError(
      `'${file}': ${rule}, got ${JSON.stringify(got) ?? 'nothing'}; for example ${EXAMPLE}`,
    );
  };
  if (!isRecord(json)) return refuse('the classes must be an object', json);
  const { classes = byValue(json, refuse), ignore = [] } = json as { classes?: unknown; ignore?: unknown };
  if (!Array.isArray(classes) || classes.length === 0) return refuse('"classes" must be a list', classes);
  if (!Array.isArray(ignore)) return refuse('"ignore" must be a list of values and colours', ignore);
  const table: ClassTable = {
    classes: classes.map((entry) => maskClass(entry, refuse)),
    ignored: {
      values: ignore.filter((each) => !Array.isArray(each)).map((each) => value(each, refuse)),
      colours: ignore.filter((each) => Array.isArray(each)).map((each) => colour(each, refuse)),
    },
  };
  checkTable(table, refuse);
  return table;
}

type Refuse = (rule: string, got: unknown) => never;

function checkTable({ classes, ignored }: ClassTable, refuse: Refuse): void {
  if (classes.length > IGNORED) refuse(`there must be at most ${IGNORED} classes`, classes.length);
  const names = classes.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    refuse('a name must stand once: several values of a class are written "values": [1, 2]', twice);
  const values = [...classes.flatMap((each) => each.values), ...ignored.values];
  const colours = [...classes.flatMap((each) => each.colours), ...ignored.colours].map(packColour);
  for (const all of [values, colours]) {
    const repeated = all.findIndex((each, i) => all.indexOf(each) !== i);
    if (repeated >= 0)
      refuse(
        'a value or colour must stand once, in one class or in "ignore"',
        all === values ? all[repeated] : hex(all[repeated]!),
      );
  }
  const missing = classes.find(({ values, colours }) => values.length + colours.length === 0);
  if (missing) refuse('a class must have a "value" (or "values") or a "color" (or "colors")', missing.name);
  const without = classes.find((each) => each.values.length === 0);
  if (without && classes.some((each) => each.values.length > 0))
    refuse('all classes must have a value, or none (masks in colours)', without.name);
}

function byValue(json: Record<string, unknown>, refuse: Refuse): unknown {
  const merged = new Map<string, number[]>();
  for (const [key, name] of Object.entries(json)) {
    if (key === 'ignore') continue;
    if (!/^\d+$/.test(key) || typeof name !== 'string')
      return refuse('the keys must be values and the entries names, or there must be "classes"', {
        [key]: name,
      });
    merged.set(name, [...(merged.get(name) ?? []), Number(key)]);
  }
  return [...merged].map(([name, values]) => ({ name, values }));
}

const KEYS = ['name', 'value', 'values', 'color', 'colors', 'colour', 'colours'];

function maskClass(entry: unknown, refuse: Refuse): MaskClass {
  if (!isRecord(entry) || typeof entry.name !== 'string' || entry.name.trim() === '')
    return refuse('a class must have a "name"', entry);
  const unknown = Object.keys(entry).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) return refuse(`a class has ${KEYS.slice(0, 5).join(', ')}`, unknown);
  const all = (one: string, many: string): unknown[] => {
    if (many in entry && !Array.isArray(entry[many])) return refuse(`"${many}" must be a list`, entry[many]);
    return [...(one in entry ? [entry[one]] : []), ...((entry[many] as unknown[] | undefined) ?? [])];
  };
  return {
    name: entry.name,
    values: all('value', 'values').map((each) => value(each, refuse)),
    colours: [...all('color', 'colors'), ...all('colour', 'colours')].map((each) => colour(each, refuse)),
  };
}

function value(got: unknown, refuse: Refuse): number {
  if (typeof got === 'number' && Number.isInteger(got) && got >= 0 && got <= 65535) return got;
  return refuse('a value must be a whole number from 0 to 65535', got);
}

function colour(got: unknown, refuse: Refuse): Colour {
  const whole = (x: unknown) => typeof x === 'number' && Number.isInteger(x) && x >= 0 && x <= 255;
  if (Array.isArray(got) && got.length === 3 && got.every(whole)) return got as unknown as Colour;
  return refuse('a colour must be [red, green, blue] of whole numbers from 0 to 255', got);
}

function isRecord(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** `#ff0080`. */
export function hex(packed: number): string {
  return `#${packed.toString(16).padStart(6, '0')}`;
}

/** The colours that classes are drawn in: those of the table, else PASCAL VOC's for their numbers. */
export function classColours({ classes }: ClassTable): readonly Colour[] {
  const others = vocPalette();
  return classes.map(({ colours }, i) => colours[0] ?? others[i]!);
}

/** A table in which the values 0, 1, … are the classes of these names. */
export function tableOf(
  names: readonly string[],
  { first = 0, ignore = [] }: { readonly first?: number; readonly ignore?: readonly number[] } = {},
): ClassTable {
  if (names.length > IGNORED)
    throw new DataError(`there must be at most ${plural(IGNORED, 'class', 'classes')}, got ${names.length}`);
  return {
    classes: names.map((name, i) => ({ name, values: [first + i], colours: [] })),
    ignored: { values: ignore, colours: [] },
  };
}
