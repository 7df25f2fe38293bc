import { testSetOf } from '../data/sources/open.ts';
import { truePath } from '../io/true-path.ts';
import { plural } from '../text/plural.ts';
import type { ReportedRun } from './run.ts';

/** Where a run was judged: scores on different images stand in different tables. */
export interface JudgedOn {
  /** Equal for the same images. */
  readonly key: string;
  /** As a person named them. */
  readonly name: string;
}

/**
 * The images that a run is judged by, as far as it is known: its last sitting says it, else its settings, else those of the run that it
 * started from.
 */
export function judgedOn(
  run: ReportedRun,
  parentOf: (run: ReportedRun) => ReportedRun | undefined,
): JudgedOn {
  const { sitting, settings } = run;
  const named = [sitting.source, settings.get('data.source'), settings.get('data')].find(isName);
  const others = [sitting.testSource, settings.get('data.test'), settings.get('test')].find(isName);
  const parent = named === undefined ? parentOf(run) : undefined;
  if (parent && parent !== run) return judgedOn(parent, () => undefined);
  const name = others ?? named;
  return name === undefined
    ? { key: '', name: 'images that are not known' }
    : { key: keyOf(name), name: shownAs(name) };
}

const isName = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** A source with a test set is judged on it: the two count as one data set. */
function shownAs(name: string): string {
  const [whole = name] = name.split(':');
  return testSet(whole) === name ? whole : name;
}

function keyOf(name: string): string {
  const [, kind, folder] = /^(classes|packed):(.*)$/.exec(name) ?? [];
  if (kind) return `${kind}:${truePath(folder!)}`;
  const shown = shownAs(name);
  return testSet(shown) === undefined ? truePath(name) : shown;
}

/** That of a source; undefined for one that no version of this library knows. */
function testSet(source: string): string | undefined {
  try {
    return testSetOf(source);
  } catch {
    return undefined;
  }
}

/** `10,000 images`, or `60 images, leave-one-out`; a dash where it is not known. */
export function judgedText(images: unknown, folds?: unknown): string {
  if (!isCount(images)) return '–';
  const how = isCount(folds)
    ? folds === images
      ? ', leave-one-out'
      : `, ${folds}-fold cross-validation`
    : '';
  return `${plural(images, 'image')}${how}`;
}

export const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0;
