import { slotName } from '../engines/engine.ts';
import type { Values } from '../graph/index.ts';
import type { ParameterSpec } from '../nn/parameters.ts';
import type { Model, ModelDescription } from './description.ts';
import { openModel } from './model.ts';

/** Settings of a run that starts with weights: those of the model that they fix, and defaults for its images. */
export function settingsOf({ encoder, normalisation }: ModelDescription) {
  const { image, patch, channels, width, depth, heads, mlpRatio, classToken, positions } = encoder;
  const epsilon = encoder.epsilon ?? 1e-6;
  return {
    fixed: { patch, channels, width, depth, heads, mlpRatio, classToken, positions, epsilon },
    image: [...image],
    normalisation: {
      mean: [...normalisation.mean],
      std: [...normalisation.std],
      ...(normalisation.range && { range: [...normalisation.range] }),
    },
  };
}

/** Settings of a run that say with which weights it starts, and whether it keeps their moving average. */
interface StartSettings {
  readonly from: string;
  readonly model: { readonly heads: number; readonly image: readonly [number, number] };
  readonly training: { readonly ema: number };
}

/**
 * The weights that a new run starts with, and where it is kept their moving average.
 * @param load overwrites random weights with those of the model that the settings name, and returns notes for the user
 */
export async function startFrom(
  { from, model: { heads, image }, training }: StartSettings,
  specs: readonly ParameterSpec[],
  weights: Values,
  load: (given: Model) => readonly string[],
  note: (message: string) => void,
): Promise<Values> {
  if (from !== '') {
    const given = await openModel(from, { heads, usualImage: image });
    for (const message of [...load(given), ...given.report.notes]) note(message);
  }
  if (training.ema === 0) return weights;
  const averages = specs
    .filter(({ trainable }) => trainable)
    .map(({ name }) => [slotName('ema', name), weights[name]!.slice()]);
  return { ...weights, ...Object.fromEntries(averages) };
}
