import type { Evaluator } from '../evaluator.ts';

/** Top-1 accuracies of the kNN classifier on a sample of labelled images, by `neighboursOf` the voters: `knn10`, `knn20`, … */
export interface KnnProbe {
  /** Images that vote, and images that are classified. */
  readonly train: number;
  readonly test: number;
  /** Whether each image is classified by all others: too few are held out. */
  readonly leaveOneOut: boolean;
  /** Of the features of the weights that a session holds. */
  readonly features: Evaluator;
  /** Of the features of random weights: how much is owed to the architecture. It does not look at the session. */
  readonly random: Evaluator;
  /** Of raw pixels. It does not look at the session. */
  readonly pixels: Evaluator;
}
