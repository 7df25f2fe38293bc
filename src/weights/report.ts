/** What became of a tensor of a file. */
export interface TensorFate {
  /** Its name in the file. */
  readonly tensor: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** `loaded` under its own name, `renamed` to `name`, or `ignored` for `reason`. */
  readonly fate: 'loaded' | 'renamed' | 'ignored';
  /** The model's name of it, where it was taken. */
  readonly name?: string;
  readonly reason?: string;
}

/** A weight of the model that the file lacks. */
export interface MissingWeight {
  readonly name: string;
  /** What stands in its place. */
  readonly instead: string;
}

/** The account of a file's weights: every tensor of the file, and every weight that it lacks. */
export interface WeightsReport {
  readonly tensors: readonly TensorFate[];
  readonly missing: readonly MissingWeight[];
  /** What was assumed or changed, a sentence each. */
  readonly notes: readonly string[];
}
