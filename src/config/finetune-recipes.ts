import { modelSize } from '../models/sizes.ts';
import { finetuneFlops } from './cost.ts';
import { ConfigError } from './error.ts';
import { type FinetuneConfig, type FinetuneInput, parseFinetuneConfig } from './finetune-schema.ts';
import { mergeSettings } from './merge.ts';
import { recipeBook } from './recipe-book.ts';
import { finetuneRecipeEntries } from './recipes/finetune.ts';
import { adapted, recipeNames } from './recipes.ts';

/** The fine-tuning recipes. */
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
 * Completes and checks settings. They override the settings of the recipe, if they name one, and of the weights, if there are any. The
 * warm-up shrinks in proportion if the settings shorten the recipe's run without setting a warm-up. Throws ConfigError as
 * `finetuneRecipe` and `parseFinetuneConfig` do, and if settings contradict the weights.
 */
export function resolveFinetuneConfig(input: FinetuneInput, given?: GivenSettings): FinetuneConfig {
  const name = input.recipe ?? 'custom';
  const recipe = name === 'custom' ? undefined : finetuneRecipe(name).config;
  const base = recipe ?? parseFinetuneConfig({});
  const model = (input.model ?? {}) as Readonly<Record<string, unknown>>;
  for (const [key, value] of Object.entries(given?.fixed ?? {}))
    if (model[key] !== undefined && JSON.stringify(model[key]) !== JSON.stringify(value))
      throw new ConfigError(
        `model.${key} must match the weights, ${JSON.stringify(value)}, got ${JSON.stringify(model[key])}: leave the setting out`,
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
