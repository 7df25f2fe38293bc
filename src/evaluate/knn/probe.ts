import type { Evaluator } from '../evaluator.ts';

/**
 * Top-1 accuracies on a sample of labelled images: `knn10`, `knn20`, … of the kNN classifier (see `neighboursOf`), and, if there is a
 * test set, `linear` of a brief linear probe (see `linearScore`).
 */
export interface KnnProbe {
  /** Numbers of training images, which vote too, and of classified images. */
  readonly train: number;
  readonly test: number;
  /** True: each image is classified by all others, as too few are held out. */
  readonly leaveOneOut: boolean;
  /** A warning about classes without training images, see `unlearnedClasses`. */
  readonly warning: string | undefined;
  /** Evaluates the features of a session's weights. */
  readonly features: Evaluator;
  /**
   * Evaluates the features of random weights, to show the effect of the architecture alone. These scores and the scores of pixels are
   * cached on disk. Before the first update it may use the session's weights.
   */
  readonly random: Evaluator;
  /** Evaluates raw pixels. It does not use the session. */
  readonly pixels: Evaluator;
}
