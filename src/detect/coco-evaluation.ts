import { AREAS, type Matches, matchObjects, THRESHOLDS } from './coco-match.ts';
import type { FoundObject, TrueObject } from './coco-objects.ts';

export interface CocoEvaluationOptions {
  /** Overlap of boxes or of masks. */
  readonly of: 'boxes' | 'masks';
  /** Number of classes. */
  readonly classes: number;
  /** True: the classes are merged, as for proposals (`useCats=0`). */
  readonly merged?: boolean;
  /** Numbers of found objects an image (and class) that recall is given for; the largest one is also that of AP. Default: 1, 10, 100. */
  readonly limits?: readonly number[];
}

/** Average precision and recall, in [0, 1]; −1 where there is no object of that kind. */
export interface CocoScores {
  /** Mean over the overlaps .50, .55, … .95, at one of them, and over small (< 32²), medium and large (> 96²) objects. */
  readonly AP: number;
  readonly AP50: number;
  readonly AP75: number;
  readonly APs: number;
  readonly APm: number;
  readonly APl: number;
  /** Average recall by the number of found objects. */
  readonly AR: Readonly<Record<number, number>>;
  readonly ARs: number;
  readonly ARm: number;
  readonly ARl: number;
  /** AP of each class. */
  readonly classes: readonly number[];
}

/** Everything that is known of the found objects of a class. */
interface ClassRecord {
  readonly scores: number[];
  /** Place of each in its image, by falling score. */
  readonly ranks: number[];
  /** For each range of areas. */
  readonly right: number[][];
  readonly ignored: number[][];
  readonly objects: number[];
}

const RECALLS = 101;

/**
 * COCO's scores of object detection, equal to pycocotools' `COCOeval` to rounding: see https://cocodataset.org/#detection-eval. Images are
 * added one after another, in the order of their ids (it decides between equal scores); masks are not kept.
 *
 * ```ts
 * const evaluation = new CocoEvaluation({ of: 'boxes', classes: 80 });
 * for (const image of images) evaluation.add(image.truths, image.found);
 * console.log(evaluation.scores().AP);
 * ```
 * Areas of found objects are those of their masks where masks are compared, as detectron2 has it. Throws RangeError for impossible settings.
 */
export class CocoEvaluation {
  readonly #options: Required<CocoEvaluationOptions>;
  readonly #records: ClassRecord[];

  constructor({ of, classes, merged = false, limits = [1, 10, 100] }: CocoEvaluationOptions) {
    if (limits.length === 0 || limits.some((n, i) => !Number.isInteger(n) || n <= (limits[i - 1] ?? 0)))
      throw new RangeError(`limits must be growing whole numbers of at least 1, got ${limits}`);
    if (!Number.isInteger(classes) || classes < 1)
      throw new RangeError(`the number of classes must be at least 1, got ${classes}`);
    this.#options = { of, classes, merged, limits };
    this.#records = Array.from({ length: merged ? 1 : classes }, () => ({
      scores: [],
      ranks: [],
      right: AREAS.map(() => []),
      ignored: AREAS.map(() => []),
      objects: AREAS.map(() => 0),
    }));
  }

  /** Adds an image. Throws RangeError for a class that is none, a score that is no number, and masks that are missing. */
  add(truths: readonly TrueObject[], found: readonly FoundObject[]): void {
    const { of, merged, limits } = this.#options;
    for (const object of [...truths, ...found]) this.#check(object);
    const limit = limits.at(-1)!;
    if (merged) {
      const byClass = (a: { class: number }, b: { class: number }) => a.class - b.class;
      this.#keep(0, matchObjects([...truths].sort(byClass), [...found].sort(byClass), of, limit));
      return;
    }
    const groups = new Map<number, { truths: TrueObject[]; found: FoundObject[] }>();
    const group = (k: number) => groups.get(k) ?? groups.set(k, { truths: [], found: [] }).get(k)!;
    for (const truth of truths) group(truth.class).truths.push(truth);
    for (const each of found) group(each.class).found.push(each);
    for (const [k, { truths, found }] of groups) this.#keep(k, matchObjects(truths, found, of, limit));
  }

  scores(): CocoScores {
    const { limits, merged } = this.#options;
    const last = limits.length - 1;
    const tables = this.#records.map((record) => tabulate(record, limits));
    const all = (choose: (table: ClassTable) => readonly number[]) => mean(tables.flatMap(choose));
    const ap = (range: number, thresholds = THRESHOLDS.map((_, t) => t)) =>
      all(({ precisions }) => thresholds.flatMap((t) => [...(precisions[range]?.[t] ?? [])]));
    const ar = (range: number, limit: number) => all(({ recalls }) => recalls[range]?.[limit] ?? []);
    return {
      AP: ap(0),
      AP50: ap(0, [0]),
      AP75: ap(0, [5]),
      APs: ap(1),
      APm: ap(2),
      APl: ap(3),
      AR: Object.fromEntries(limits.map((n, i) => [n, ar(0, i)])),
      ARs: ar(1, last),
      ARm: ar(2, last),
      ARl: ar(3, last),
      classes: merged
        ? []
        : tables.map(({ precisions }) => mean((precisions[0] ?? []).flatMap((row) => [...row]))),
    };
  }

  #check({ class: k, score = 0 }: { readonly class: number; readonly score?: number }): void {
    const { classes } = this.#options;
    if (!Number.isInteger(k) || k < 0 || k >= classes)
      throw new RangeError(`the class of an object must be a whole number below ${classes}, got ${k}`);
    if (Number.isNaN(score)) throw new RangeError('the score of an object must be a number, got NaN');
  }

  #keep(k: number, { scores, ranges }: Matches): void {
    const record = this.#records[k]!;
    for (const [rank, score] of scores.entries()) {
      record.scores.push(score);
      record.ranks.push(rank);
    }
    for (const [a, { right, ignored, objects }] of ranges.entries()) {
      for (const bits of right) record.right[a]!.push(bits);
      for (const bits of ignored) record.ignored[a]!.push(bits);
      record.objects[a]! += objects;
    }
  }
}

/** Of a class: for each range of areas with objects, precision at 101 recalls for each threshold, and recall for each limit and threshold. */
interface ClassTable {
  readonly precisions: readonly (readonly Float64Array[] | undefined)[];
  readonly recalls: readonly (readonly (readonly number[])[] | undefined)[];
}

function tabulate(
  { scores, ranks, right, ignored, objects }: ClassRecord,
  limits: readonly number[],
): ClassTable {
  const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!);
  const orders = limits.map((limit) => order.filter((i) => ranks[i]! < limit));
  const precisions: (readonly Float64Array[] | undefined)[] = [];
  const recalls: (readonly (readonly number[])[] | undefined)[] = [];
  for (const [a, count] of objects.entries()) {
    if (count === 0) {
      precisions.push(undefined);
      recalls.push(undefined);
      continue;
    }
    const curves = orders.map((chosen) =>
      THRESHOLDS.map((_, t) => curve(chosen, right[a]!, ignored[a]!, t, count)),
    );
    precisions.push(curves.at(-1)!.map(({ recall, precision }) => atRecalls(recall, precision)));
    recalls.push(curves.map((each) => each.map(({ recall }) => recall.at(-1) ?? 0)));
  }
  return { precisions, recalls };
}

/** Recall and precision after each found object that counts at threshold t. */
function curve(
  order: readonly number[],
  right: readonly number[],
  ignored: readonly number[],
  t: number,
  count: number,
) {
  const [recall, precision]: [number[], number[]] = [[], []];
  let [hits, misses] = [0, 0];
  for (const i of order) {
    if (!((ignored[i]! >> t) & 1)) {
      if ((right[i]! >> t) & 1) hits++;
      else misses++;
    }
    recall.push(hits / count);
    precision.push(hits / (misses + hits + Number.EPSILON));
  }
  for (let i = precision.length - 1; i > 0; i--)
    precision[i - 1] = Math.max(precision[i - 1]!, precision[i]!);
  return { recall, precision };
}

/** The precision where each of the recalls 0, 0.01, … 1 is reached; 0 where it is not. */
function atRecalls(recall: readonly number[], precision: readonly number[]): Float64Array {
  const out = new Float64Array(RECALLS);
  for (let r = 0, i = 0; r < RECALLS; r++) {
    const wanted = r === RECALLS - 1 ? 1 : r * 0.01;
    while (i < recall.length && recall[i]! < wanted) i++;
    if (i === recall.length) break;
    out[r] = precision[i]!;
  }
  return out;
}

function mean(values: readonly number[]): number {
  if (values.length === 0) return -1;
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
