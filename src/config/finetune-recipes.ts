import { modelSize } from '../models/sizes.ts';
import { finetuneFlops } from './cost.ts';
import { ConfigError } from './error.ts';
import { type FinetuneConfig, type FinetuneInput, parseFinetuneConfig } from './finetune-schema.ts';
import { mergeSettings } from './merge.ts';
import { recipeBook } from './recipe-book.ts';
import { finetuneRecipeEntries } from './recipes/finetune.ts';
import { adapted, recipeNames } from './recipes.ts';

/** The recipes of fine-tuning. */
export const {
  names: finetuneRecipeNames,
  recipe: finetuneRecipe,
  quickVariant: quickFinetuneVariant,
} = recipeBook({
  entries: finetuneRecipeEntries,
  complete(name, { model }, layers) {
    const { image, decoder: _, ...size } = modelSize(model);
    return parseFinetuneConfig(
      mergeSettings({ recipe: name, model: { ...size, image: [...image] } }, ...layers),
    );
  },
  flops: (config, { classes }) => finetuneFlops(config, classes),
  noun: 'recipe of finetune',
  elsewhere: (name) => (recipeNames.includes(name) ? ' (it is one of pretrain)' : ''),
  otherwise: `: ${finetuneRecipeEntries.map(({ name }) => name).join(', ')}`,
});

/** Settings that follow from the weights with which a run starts. */
export interface GivenSettings {
  /** Fixed settings, by name in `model`. */
  readonly fixed: Readonly<Partial<FinetuneConfig['model']>>;
  /** Defaults. */
  readonly usual: FinetuneInput;
}

/**
 * Completes and checks settings: over those of the recipe, where they name one, and of the weights, where there are some. The
 * warm-up shrinks in proportion when the settings shorten the recipe's run and say nothing of it. Throws ConfigError as
 * `finetuneRecipe` and `parseFinetuneConfig` do, and where settings contradict the weights.
 */
export function resolveFinetuneConfig(input: FinetuneInput, given?: GivenSettings): FinetuneConfig {
  const name = input.recipe ?? 'custom';
  const recipe = name === 'custom' ? undefined : finetuneRecipe(name).config;
  const base = recipe ?? parseFinetuneConfig({});
  const said = (input.model ?? {}) as Readonly<Record<string, unknown>>;
  for (const [key, value] of Object.entries(given?.fixed ?? {}))
    if (said[key] !== undefined && JSON.stringify(said[key]) !== JSON.stringify(value))
      throw new ConfigError(
        `model.${key} must be that of the weights, ${JSON.stringify(value)}, got ${JSON.stringify(said[key])}`,
      );
  return parseFinetuneConfig(
    mergeSettings(
      base,
      { training: adapted(base.training, input) },
      given ? mergeSettings({ model: given.fixed }, given.usual) : {},
      input,
    ),
  );
}
