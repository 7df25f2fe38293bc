import type { Evaluator } from '../evaluator.ts';

/**
 * Top-1 accuracies on a sample of labelled images: of the kNN classifier, by `neighboursOf` the voters, `knn10`, `knn20`, …, and of a
 * brief linear probe, `linear` (see `linearScore`), where images are set aside to judge it.
 */
export interface KnnProbe {
  /** Images that vote or are learned from, and images that are classified. */
  readonly train: number;
  readonly test: number;
  /** Whether each image is classified by all others: too few are held out. */
  readonly leaveOneOut: boolean;
  /** What a person should know of the classes, see `unlearnedClasses`. */
  readonly warning: string | undefined;
  /** Of the features of the weights that a session holds. */
  readonly features: Evaluator;
  /**
   * Of the features of random weights: how much is owed to the architecture. The scores, and those of pixels, are kept on the disk.
   * Before the first update it may take those of the session.
   */
  readonly random: Evaluator;
  /** Of raw pixels. It does not look at the session. */
  readonly pixels: Evaluator;
}
