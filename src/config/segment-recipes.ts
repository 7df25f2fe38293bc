import { modelSize } from '../models/sizes.ts';
import { segmentFlops } from './cost.ts';
import { type GivenSettings, overGiven } from './given.ts';
import { mergeSettings } from './merge.ts';
import { recipeBook } from './recipe-book.ts';
import { segmentRecipeEntries } from './recipes/segment.ts';
import { adapted } from './recipes.ts';
import { parseSegmentConfig, type SegmentConfig, type SegmentInput } from './segment-schema.ts';

/** The recipes of segmentation. */
export const {
  names: segmentRecipeNames,
  recipe: segmentRecipe,
  quickVariant: quickSegmentVariant,
} = recipeBook({
  entries: segmentRecipeEntries,
  complete(name, { model }, layers) {
    const { image, decoder: _, ...size } = modelSize(model);
    return parseSegmentConfig(
      mergeSettings({ recipe: name, model: { ...size, image: [...image] } }, ...layers),
    );
  },
  flops: (config, { classes }) => segmentFlops(config, classes),
  noun: 'recipe of segment',
  elsewhere: () => '',
  otherwise: `: ${segmentRecipeEntries.map(({ name }) => name).join(', ')}`,
});

/**
 * Completes and checks settings. They override the settings of the weights, if there are any, and of the recipe, if they name one; the
 * size of the model's images is the recipe's. The warm-up shrinks in proportion if the settings shorten the recipe's run without setting
 * a warm-up. Throws ConfigError as `segmentRecipe` and `parseSegmentConfig` do, and if settings contradict the weights.
 */
export function resolveSegmentConfig(
  input: SegmentInput,
  given?: GivenSettings<SegmentConfig>,
): SegmentConfig {
  const name = input.recipe ?? 'custom';
  const recipe = name === 'custom' ? undefined : segmentRecipe(name).config;
  const base = recipe ?? parseSegmentConfig({});
  const image = input.model?.image ?? recipe?.model.image;
  return parseSegmentConfig(
    overGiven([base, { training: adapted(base.training, input) }], given, {
      ...input,
      model: { ...input.model, ...(image && { image }) },
    }),
  );
}
