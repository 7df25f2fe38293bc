import { modelSize } from '../models/sizes.ts';
import { suggestion } from '../text/nearest.ts';
import { stepFlops } from './cost.ts';
import { ConfigError } from './error.ts';
import type { FinetuneConfig } from './finetune-schema.ts';
import { mergeConfig } from './overrides.ts';
import type { Cost, Recipe, RecipeEntry } from './recipe.ts';
import { cifar10Recipes } from './recipes/cifar10.ts';
import { imagenetRecipes } from './recipes/imagenet.ts';
import { fittingMicroBatch } from './rules.ts';
import { type Config, type ConfigInput, parseConfig } from './schema.ts';
import { taskDefaults } from './task-defaults.ts';

const entries: readonly RecipeEntry[] = [...cifar10Recipes, ...imagenetRecipes];

/** Names of all recipes; quick variants are not counted. */
export const recipeNames: readonly string[] = entries.map(({ name }) => name);

/**
 * The recipe, or quick variant of a recipe, of that name. Throws ConfigError for an unknown one, with the nearest name.
 */
export function recipe(name: string): Recipe {
  const found = entries.find((entry) => name === entry.name || name === variant(entry));
  if (!found)
    throw new ConfigError(
      `unknown recipe "${name}"${hint(name) || suggestion(name, recipeNames) || ' (names are data-model-task, see `list recipes`)'}`,
    );
  const { source, expected, notes, settings, quick } = found;
  const layers = name === found.name ? [settings] : [settings, quick!];
  const config = parseConfig(mergeConfig({ recipe: name }, skeleton(found), ...layers));
  return { name, source, cost: cost(found, config), expected, notes, config };
}

const hint = (name: string) =>
  /-finetune(-quick)?$/.test(name) ? ' of pretrain (it is one of the command finetune)' : '';

/** The name of a recipe's quick variant. Throws ConfigError when it has none, or for an unknown recipe. */
export function quickVariant(name: string): string {
  recipe(name);
  const entry = entries.find((candidate) => candidate.name === name);
  const quick = entry && variant(entry);
  if (!quick)
    throw new ConfigError(
      `the recipe must have a quick variant, got "${name}", which has none: ${entries.find(variant)!.name} has one`,
    );
  return quick;
}

function variant({ name, quick }: RecipeEntry): string | undefined {
  return quick && `${name}-quick`;
}

/**
 * Completes and checks settings; where they name a recipe, over those of the recipe. Its warm-up shrinks in proportion when they
 * shorten the run, and its micro-batch follows a batch of another size, unless they name these too. Throws ConfigError as `recipe` and `parseConfig` do.
 */
export function resolveConfig(input: ConfigInput): Config {
  const name = input.recipe ?? 'custom';
  if (name === 'custom') return parseConfig(input);
  const { config } = recipe(name);
  // Another task than the recipe's comes with its own defaults.
  const defaults = input.task?.name === config.task.name ? {} : (taskDefaults(input) ?? {});
  return parseConfig(mergeConfig(config, { training: adapted(config.training, input) }, defaults, input));
}

/** What a recipe's training becomes where the settings given shorten it or change its batch, and say nothing else of it. */
export function adapted(
  training: Config['training'] | FinetuneConfig['training'],
  given: Pick<ConfigInput, 'training' | 'engine'>,
): { warmupEpochs: number; microBatch: number | undefined } {
  return {
    warmupEpochs: warmupOf(training, given.training),
    microBatch: fittingMicroBatch(training, given.training, given.engine?.devices),
  };
}

/** Epochs of warm-up of a recipe whose run is shortened by the settings given. */
function warmupOf(
  training: Pick<Config['training'], 'epochs' | 'warmupEpochs'>,
  given: { readonly epochs?: unknown } | undefined,
): number {
  const epochs = given?.epochs;
  const shortened = typeof epochs === 'number' && epochs < training.epochs;
  return shortened ? Math.max(0, (training.warmupEpochs * epochs) / training.epochs) : training.warmupEpochs;
}

function skeleton({ model, task }: RecipeEntry): ConfigInput {
  const { image, decoder, ...size } = modelSize(model);
  return {
    model: { ...size, image: [...image], decoder: { ...decoder } },
    task: { name: task },
  };
}

function cost(entry: RecipeEntry, config: Config): Cost {
  const images = entry.images * config.training.epochs;
  return { images, flops: images * stepFlops(config) };
}

/** 34.9e9 as `34.9 G`; at least 1, or 0. */
export function short(value: number): string {
  const units = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z'];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(value) / 3)));
  return `${Number((value / 1000 ** step).toPrecision(3))} ${units[step]}`;
}
