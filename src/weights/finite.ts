import { FileFormatError } from '../io/file-format-error.ts';

/**
 * Throws FileFormatError unless all weights are finite numbers: the features of such a model are not numbers either.
 * @param tensors by their names in the file, in its order; the error names the first that breaks the rule
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
      `tensor ${name} must hold finite numbers; where a run diverged, take an earlier checkpoint`,
      `${values[at]} at place ${at} of ${values.length}`,
    );
  }
}

/** The place of the first value that is not finite, or -1. A loop: weights are many. */
function firstFault(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (values[i]! - values[i]! !== 0) return i;
  return -1;
}
