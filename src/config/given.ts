import { ConfigError } from './error.ts';
import { mergeSettings } from './merge.ts';

/** Settings that follow from the weights with which a run starts. */
export interface GivenSettings<C extends { readonly model: object }> {
  /** Fixed settings, by name in `model`. */
  readonly fixed: Readonly<Partial<C['model']>>;
  /** Defaults. */
  readonly usual: object;
}

/**
 * Settings over those of the weights, over those of a recipe.
 * Throws ConfigError if settings contradict the weights.
 */
export function overGiven<C extends { readonly model: object }>(
  base: readonly object[],
  given: GivenSettings<C> | undefined,
  input: { readonly model?: unknown },
): object {
  const model = (input.model ?? {}) as Readonly<Record<string, unknown>>;
  for (const [key, value] of Object.entries(given?.fixed ?? {}))
    if (model[key] !== undefined && JSON.stringify(model[key]) !== JSON.stringify(value))
      throw new ConfigError(
        `model.${key} must match the weights, ${JSON.stringify(value)}, got ${JSON.stringify(model[key])}: leave the setting out`,
      );
  return mergeSettings(...base, ...(given ? [{ model: given.fixed }, given.usual] : []), input);
}
