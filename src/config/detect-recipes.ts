import { modelSize } from '../models/sizes.ts';
import { detectFlops } from './cost.ts';
import { type DetectConfig, type DetectInput, parseDetectConfig } from './detect-schema.ts';
import { type GivenSettings, overGiven } from './given.ts';
import { mergeSettings } from './merge.ts';
import { recipeBook } from './recipe-book.ts';
import { detectRecipeEntries } from './recipes/detect.ts';
import { adapted } from './recipes.ts';

/** The recipes of detection. */
export const {
  names: detectRecipeNames,
  recipe: detectRecipe,
  quickVariant: quickDetectVariant,
} = recipeBook({
  entries: detectRecipeEntries,
  complete(name, { model }, layers) {
    const { image, decoder: _, ...size } = modelSize(model);
    return parseDetectConfig(
      mergeSettings({ recipe: name, model: { ...size, image: [...image] } }, ...layers),
    );
  },
  flops: (config, { classes }) => detectFlops(config, classes),
  noun: 'recipe of detect',
  elsewhere: () => '',
  otherwise: `: ${detectRecipeEntries.map(({ name }) => name).join(', ')}`,
});

/**
 * Completes and checks settings. They override the settings of the weights, if there are any, and of the recipe, if they name one; the
 * size of the model's images is the recipe's. The warm-up shrinks in proportion if the settings shorten the recipe's run without setting
 * a warm-up. Throws ConfigError as `detectRecipe` and `parseDetectConfig` do, and if settings contradict the weights.
 */
export function resolveDetectConfig(input: DetectInput, given?: GivenSettings<DetectConfig>): DetectConfig {
  const name = input.recipe ?? 'custom';
  const recipe = name === 'custom' ? undefined : detectRecipe(name).config;
  const base = recipe ?? parseDetectConfig({});
  const image = input.model?.image ?? recipe?.model.image;
  return parseDetectConfig(
    overGiven([base, { training: adapted(base.training, input) }], given, {
      ...input,
      model: { ...input.model, ...(image && { image }) },
    }),
  );
}
