import { plural } from '../../text/plural.ts';
import { type ClassTable, IGNORED } from './classes.ts';
import { type FoundValue, keyText } from './found.ts';

/** The values of masks, most pixels first. */
export interface Findings {
  readonly found: readonly FoundValue[];
  /** Of all masks. */
  readonly pixels: number;
}

/** More values than this are those of a smoothed picture, not of classes, unless the table lists them. */
const MANY = 256;

/**
 * Faults of the values of masks, each with rule, finding and remedy; none if every value is listed and at least two
 * classes, or one and others than it, occur.
 */
export function adviceOn(findings: Findings, table: ClassTable | undefined): string[] {
  const { found } = findings;
  if (!table || found.length === 0) return [];
  const unlisted = found.filter(({ meaning }) => meaning === undefined);
  if (unlisted.length > 0) return [`${adviceOnUnlisted(findings, unlisted, table)}`];
  const present = new Set(found.flatMap(({ meaning }) => (meaning === IGNORED ? [] : [meaning!])));
  if (present.size === 0)
    return ['masks must hold a pixel of a class, got ignored ones alone: take their values out of "ignore"'];
  if (present.size > 1 || table.classes.length === 1) return [];
  const only = table.classes[[...present][0]!]!.name;
  const ignored = found.filter(({ meaning }) => meaning === IGNORED);
  const values = found.map(keyText).join(' and ');
  const remedy = ignored.length
    ? `if ${ignored.map(keyText).join(', ')} is a class, give it to that class and take it out of "ignore"`
    : 'look whether the masks were written with another value for the others';
  return [
    `masks must hold two classes or more to learn from, got '${only}' alone (the values ${values}): ${remedy}`,
  ];
}

function adviceOnUnlisted(
  { found, pixels }: Findings,
  unlisted: readonly FoundValue[],
  table: ClassTable,
): string {
  const [first] = unlisted as [FoundValue];
  const kind = first.kind === 'colours' ? 'colour' : 'value';
  const names = unlisted.slice(0, 6).map(keyText).join(', ') + (unlisted.length > 6 ? ', …' : '');
  const share = (100 * unlisted.reduce((sum, each) => sum + each.pixels, 0)) / pixels;
  const percent = share < 0.01 ? '< 0.01' : share.toFixed(2);
  const got = `${plural(unlisted.length, kind)} without a class, ${names} (${percent} % of the pixels, first in '${first.example}')`;
  return `every ${kind} of a mask must be a class's or ignored, got ${got}: ${remedy(found, unlisted, table)}`;
}

function remedy(
  found: readonly FoundValue[],
  unlisted: readonly FoundValue[],
  { classes }: ClassTable,
): string {
  const different = found.length;
  const keys = new Set(found.map(({ key }) => key));
  const listed = classes.flatMap(({ values }) => values);
  if (unlisted[0]!.kind === 'colours') {
    if (different > MANY)
      return 'this number of colours comes from smoothing: save masks without it, resize them by the nearest pixel, and never as JPEG';
    return classes.some(({ colours }) => colours.length > 0)
      ? `list the colour in classes.json ("color": [${rgb(unlisted[0]!.key)}]), or put it into "ignore"`
      : `the masks are colours, the table has values: give each class its colour in classes.json ("color": [${rgb(unlisted[0]!.key)}]), or save indices`;
  }
  if (keys.size === 2 && keys.has(0) && keys.has(255))
    return 'masks of 0 and 255 hold two classes: write "value": 255 for the second one';
  if (different > MANY / 4 && unlisted.length > classes.length)
    return 'this number of values comes from smoothing: save masks without it, resize them by the nearest pixel, and never as JPEG; 255 is not "the foreground" unless classes.json says so';
  const top = Math.max(...listed);
  const least = Math.min(...listed);
  if (unlisted.length === 1 && unlisted[0]!.key === top + 1 && !keys.has(least))
    return `the values begin at ${least + 1} and classes.json at ${least}: they are one apart; number the classes from ${least + 1} on`;
  if (unlisted.length === 1 && unlisted[0]!.key === least - 1)
    return `the classes begin at ${least}: name the value ${least - 1} as a class, or put it into "ignore" where it means everything else`;
  if (unlisted.length === 1 && unlisted[0]!.key === 255)
    return 'put 255 into "ignore" where it means a border or nothing, else name it as a class';
  return 'name them as classes in classes.json, or put them into "ignore"';
}

const rgb = (packed: number) => [packed >> 16, (packed >> 8) & 255, packed & 255].join(', ');
