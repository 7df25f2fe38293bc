/** Result for a tensor of a file. */
export interface TensorFate {
  /** Its name in the file. */
  readonly tensor: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** `loaded` under its own name, `renamed` to `name`, or `ignored` for `reason`. */
  readonly fate: 'loaded' | 'renamed' | 'ignored';
  /** The model's name for it, if it was loaded. */
  readonly name?: string;
  readonly reason?: string;
}

/** A weight of the model that is missing in the file. */
export interface MissingWeight {
  readonly name: string;
  /** Its substitute. */
  readonly instead: string;
}

/** Report on a file's weights: every tensor of the file, and every missing weight. */
export interface WeightsReport {
  readonly tensors: readonly TensorFate[];
  readonly missing: readonly MissingWeight[];
  /** Assumptions and changes, one sentence each. */
  readonly notes: readonly string[];
}
