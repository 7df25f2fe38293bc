import { plural } from '../../text/plural.ts';

/** How often which class was taken for which: `counts[truth · classes + predicted]` pixels. */
export interface Confusion {
  readonly classes: number;
  readonly counts: Float64Array;
}

/** A confusion matrix without a pixel. */
export function emptyConfusion(classes: number): Confusion {
  if (!Number.isInteger(classes) || classes < 1)
    throw new RangeError(`a confusion matrix needs one class or more, got ${classes}`);
  return { classes, counts: new Float64Array(classes * classes) };
}

/**
 * Adds the pixels of an image. Pixels whose truth is `ignore` are left out, whatever was predicted there.
 * Throws RangeError for arrays of different lengths, and for a class that there is not.
 */
export function addImage(
  { classes, counts }: Confusion,
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
  ignore = 255,
): void {
  if (truth.length !== predicted.length)
    throw new RangeError(
      `truth and prediction must have the same ${plural(truth.length, 'pixel')}, got ${predicted.length}`,
    );
  for (let i = 0; i < truth.length; i++) {
    const [t, p] = [truth[i]!, predicted[i]!];
    if (t === ignore) continue;
    if (t >= classes || p >= classes)
      throw new RangeError(`a class must lie in [0, ${classes}), got ${t} (truth) and ${p} (predicted)`);
    counts[t * classes + p]!++;
  }
}

/** How well pixels are labelled. */
export interface SegmentationScores {
  /** Mean over the classes of their intersection over union. */
  readonly mIoU: number;
  /** Mean over the classes of the share of their pixels that were found. */
  readonly mAcc: number;
  /** Share of all pixels that were labelled rightly. */
  readonly aAcc: number;
  /** Intersection over union of each class; NaN for a class that was neither there nor predicted. */
  readonly iou: readonly number[];
  /** Share of each class's pixels that were found; NaN for a class that was not there. */
  readonly acc: readonly number[];
}

/**
 * Scores as mmsegmentation defines them (IoUMetric): intersections and unions are summed over all images; the mean of IoU leaves out the
 * classes that are neither in the truth nor predicted (a class that was only predicted counts as 0), that of accuracies those that are not in
 * the truth. Without a pixel all are NaN.
 */
export function segmentationScores({ classes, counts }: Confusion): SegmentationScores {
  const range = Array.from({ length: classes }, (_, k) => k);
  const sum = (of: (k: number) => number) => range.reduce((total, k) => total + of(k), 0);
  const hits = range.map((k) => counts[k * classes + k]!);
  const truth = range.map((k) => sum((j) => counts[k * classes + j]!));
  const predicted = range.map((k) => sum((j) => counts[j * classes + k]!));
  const iou = range.map((k) => hits[k]! / (truth[k]! + predicted[k]! - hits[k]!));
  const acc = range.map((k) => hits[k]! / truth[k]!);
  return {
    mIoU: meanOfNumbers(iou),
    mAcc: meanOfNumbers(acc),
    aAcc: sum((k) => hits[k]!) / sum((k) => truth[k]!),
    iou,
    acc,
  };
}

function meanOfNumbers(values: readonly number[]): number {
  const numbers = values.filter((value) => !Number.isNaN(value));
  return numbers.reduce((a, b) => a + b, 0) / numbers.length;
}
