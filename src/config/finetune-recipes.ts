import { modelSize } from '../models/sizes.ts';
import { suggestion } from '../text/nearest.ts';
import { finetuneFlops } from './cost.ts';
import { ConfigError } from './error.ts';
import { type FinetuneConfig, type FinetuneInput, parseFinetuneConfig } from './finetune-schema.ts';
import { mergeSettings } from './merge.ts';
import type { FinetuneEntry, FinetuneRecipe } from './recipe.ts';
import { finetuneRecipeEntries } from './recipes/finetune.ts';
import { adapted, recipeNames } from './recipes.ts';

/** Names of all recipes of fine-tuning; quick variants are not counted. */
export const finetuneRecipeNames: readonly string[] = finetuneRecipeEntries.map(({ name }) => name);

const variant = ({ name, quick }: FinetuneEntry) => quick && `${name}-quick`;

/** The recipe, or quick variant of a recipe, of that name. Throws ConfigError for an unknown one, with the nearest name. */
export function finetuneRecipe(name: string): FinetuneRecipe {
  const found = finetuneRecipeEntries.find((entry) => name === entry.name || name === variant(entry));
  if (!found)
    throw new ConfigError(
      `unknown recipe of finetune "${name}"${recipeNames.includes(name) ? ' (it is one of pretrain)' : suggestion(name, finetuneRecipeNames) || `: ${finetuneRecipeNames.join(', ')}`}`,
    );
  const { source, expected, notes, settings, quick, images } = found;
  const { image, decoder: _, ...size } = modelSize(found.model);
  const layers = name === found.name ? [settings] : [settings, quick!];
  const config = parseFinetuneConfig(
    mergeSettings({ recipe: name, model: { ...size, image: [...image] } }, ...layers),
  );
  const seen = images * config.training.epochs;
  const cost = { images: seen, flops: seen * finetuneFlops(config, found.classes) };
  return { name, source, cost, expected, notes, config };
}

/** The name of a recipe's quick variant. Throws ConfigError when it has none, or for an unknown recipe. */
export function quickFinetuneVariant(name: string): string {
  finetuneRecipe(name);
  const entry = finetuneRecipeEntries.find((candidate) => candidate.name === name);
  const quick = entry && variant(entry);
  if (!quick)
    throw new ConfigError(
      `the recipe must have a quick variant, got "${name}", which has none: ${finetuneRecipeEntries.find(variant)!.name} has one`,
    );
  return quick;
}

/** What weights that a run starts from say of its settings. */
export interface GivenSettings {
  /** What must be as it is, by its name in `model`. */
  readonly fixed: Readonly<Partial<FinetuneConfig['model']>>;
  /** What holds unless the settings say otherwise. */
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
