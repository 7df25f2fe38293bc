import type { Session } from '../backends/backend.ts';

/** Measures top-1 accuracies, in [0, 1], of the kNN classifier on a sample of labelled images. */
export interface KnnProbe {
  /** Images that vote, and images that are classified. */
  readonly train: number;
  readonly test: number;
  /** Of the features of the weights that a session holds. */
  features(session: Session): Promise<number>;
  /** Of the features of random weights: how much is owed to the architecture. */
  random(): Promise<number>;
  /** Of raw pixels. */
  pixels(): Promise<number>;
}
