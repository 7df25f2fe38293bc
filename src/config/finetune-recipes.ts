import { modelSize } from '../models/sizes.ts';
import { finetuneFlops } from './cost.ts';
import { type FinetuneConfig, type FinetuneInput, parseFinetuneConfig } from './finetune-schema.ts';
import { type GivenSettings, overGiven } from './given.ts';
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

/**
 * Completes and checks settings. They override the settings of the recipe, if they name one, and of the weights, if there are any. The
 * warm-up shrinks in proportion if the settings shorten the recipe's run without setting a warm-up. Throws ConfigError as
 * `finetuneRecipe` and `parseFinetuneConfig` do, and if settings contradict the weights.
 */
export function resolveFinetuneConfig(
  input: FinetuneInput,
  given?: GivenSettings<FinetuneConfig>,
): FinetuneConfig {
  const name = input.recipe ?? 'custom';
  const recipe = name === 'custom' ? undefined : finetuneRecipe(name).config;
  const base = recipe ?? parseFinetuneConfig({});
  return parseFinetuneConfig(overGiven([base, { training: adapted(base.training, input) }], given, input));
}
