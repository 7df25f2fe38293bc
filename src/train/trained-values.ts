import { sizeOf } from '../graph/index.ts';
import type { ParameterSpec, Part } from '../nn/parameters.ts';

/** Numbers of trained values of an encoder and its head. */
export const trainedInParts = (specs: readonly ParameterSpec[]) => ({
  encoder: trainedValues(specs, 'encoder'),
  head: trainedValues(specs, 'head'),
});

/** Number of trained values in a part of a model. */
export function trainedValues(specs: readonly ParameterSpec[], part: Part): number {
  const trained = specs.filter((spec) => spec.trainable && spec.part === part);
  return trained.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}
