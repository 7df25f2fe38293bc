import type { ParameterGroup } from '../graph/update.ts';

interface Decaying {
  readonly name: string;
  readonly trained: boolean;
  readonly decay: boolean;
}

/** The trained ones of a model's tensors with their weight decay: none on biases, norms, tokens and positions. */
export function parameterGroups(
  specs: readonly Decaying[],
  weightDecay: number,
): (ParameterGroup & { readonly name: string })[] {
  return specs
    .filter(({ trained }) => trained)
    .map(({ name, decay }) => ({ name, weightDecay: decay ? weightDecay : 0, lrScale: 1 }));
}
