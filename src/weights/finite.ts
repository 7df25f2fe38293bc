import { FileFormatError } from '../io/file-format-error.ts';

/**
 * Throws FileFormatError unless all weights are finite, because the features of such a model would not be finite
 * either.
 * @param tensors by their names in the file, in its order; the error names the first offender
 */
export function requireFinite(
  path: string,
  tensors: Iterable<readonly [name: string, values: Float32Array]>,
): void {
  for (const [name, values] of tensors) {
    const at = firstFault(values);
    if (at < 0) continue;
    throw new FileFormatError(
      path,
      `tensor ${name} must hold finite numbers; if the run diverged, take an earlier checkpoint`,
      `${values[at]} at place ${at} of ${values.length}`,
    );
  }
}

/** Index of the first value that is not finite, or -1. A plain loop, because there are many weights. */
function firstFault(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (values[i]! - values[i]! !== 0) return i;
  return -1;
}
