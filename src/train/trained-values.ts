import { sizeOf } from '../graph/index.ts';
import type { ParameterSpec, Part } from '../nn/parameters.ts';

/** Number of trained values in the given parts of a model. */
export function trainedValues(specs: readonly ParameterSpec[], ...parts: readonly Part[]): number {
  const trained = specs.filter((spec) => spec.trained && parts.includes(spec.part));
  return trained.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}
