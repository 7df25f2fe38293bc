import type { Evaluator } from '../evaluator.ts';

/** Top-1 accuracies of the kNN classifier on a sample of labelled images: `knn10`, `knn20`, `knn100`, `knn200`. */
export interface KnnProbe {
  /** Images that vote, and images that are classified. */
  readonly train: number;
  readonly test: number;
  /** What a person should know of the classes, see `unlearnedClasses`. */
  readonly warning: string | undefined;
  /** Of the features of the weights that a session holds. */
  readonly features: Evaluator;
  /** Of the features of random weights: how much is owed to the architecture. It does not look at the session. */
  readonly random: Evaluator;
  /** Of raw pixels. It does not look at the session. */
  readonly pixels: Evaluator;
}
