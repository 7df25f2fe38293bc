import { plural } from '../../text/plural.ts';

/** A confusion matrix: `counts[truth · classes + predicted]` pixels. */
export interface Confusion {
  readonly classes: number;
  readonly counts: Float64Array;
}

/** A confusion matrix of zeros. */
export function emptyConfusion(classes: number): Confusion {
  if (!Number.isInteger(classes) || classes < 1)
    throw new RangeError(`a confusion matrix needs one class or more, got ${classes}`);
  return { classes, counts: new Float64Array(classes * classes) };
}

/**
 * Adds the pixels of an image. Pixels whose truth is `ignore` do not count.
 * Throws RangeError for arrays of different lengths, and for a class outside of [0, classes).
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

/** Segmentation scores. */
export interface SegmentationScores {
  /** Mean intersection over union of the classes. */
  readonly mIoU: number;
  /** Mean accuracy of the classes. */
  readonly mAcc: number;
  /** Accuracy over all pixels. */
  readonly aAcc: number;
  /** Intersection over union of each class; NaN for a class that is neither in the truth nor predicted. */
  readonly iou: readonly number[];
  /** Accuracy of each class: the share of its pixels that are predicted correctly. NaN for a class that is not in the truth. */
  readonly acc: readonly number[];
}

/**
 * Scores as mmsegmentation defines them (IoUMetric). Intersections and unions are summed over all images. The mean IoU omits classes
 * that are neither in the truth nor predicted; a class that is only predicted counts as 0. The mean accuracy omits classes that are not
 * in the truth. Without any pixel, all scores are NaN.
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
