import { modelSize } from '../models/sizes.ts';
import type { OwnTasks } from '../tasks/own.ts';
import { stepFlops } from './cost.ts';
import type { FinetuneConfig } from './finetune-schema.ts';
import { mergeConfig } from './overrides.ts';
import type { RecipeEntry } from './recipe.ts';
import { recipeBook } from './recipe-book.ts';
import { cifar10Recipes } from './recipes/cifar10.ts';
import { imagenetRecipes } from './recipes/imagenet.ts';
import { fittingMicroBatch } from './rules.ts';
import { type Config, type ConfigInput, parseConfig } from './schema.ts';
import { taskDefaults } from './task-defaults.ts';
import { valueAt } from './walk.ts';

/** The pre-training recipes. */
export const {
  names: recipeNames,
  recipe,
  quickVariant,
} = recipeBook({
  entries: [...cifar10Recipes, ...imagenetRecipes],
  complete: (name, entry, layers) => parseConfig(mergeConfig({ recipe: name }, skeleton(entry), ...layers)),
  flops: (config) => stepFlops(config),
  noun: 'recipe',
  elsewhere: (name) =>
    /-finetune(-quick)?$/.test(name) ? ' of pretrain (it is one of the command finetune)' : '',
  otherwise: ' (names are data-model-task, see `list recipes`)',
});

/**
 * Completes and checks settings. They override the settings of the recipe, if they name one. Unless they set these too, the recipe's
 * warm-up shrinks in proportion to a shorter run, and its micro-batch is adapted to another batch size. Throws ConfigError as `recipe`
 * and `parseConfig` do.
 * @param own user-defined tasks, masks and targets
 */
export function resolveConfig(input: ConfigInput, own?: OwnTasks): Config {
  const name = input.recipe ?? 'custom';
  if (name === 'custom') return parseConfig(input, own);
  const { config } = recipe(name);
  // A task other than the recipe's has its own defaults.
  const defaults = input.task?.name === config.task.name ? {} : (taskDefaults(input, own) ?? {});
  return parseConfig(
    mergeConfig(config, { training: adapted(config.training, input) }, defaults, input),
    own,
  );
}

/** Adapts a recipe's training to given settings that shorten it or change its batch, and nothing else. */
export function adapted(
  training: Config['training'] | FinetuneConfig['training'],
  given: Pick<ConfigInput, 'training' | 'engine'>,
): { warmupEpochs: number; microBatch: number | undefined } {
  return {
    warmupEpochs: warmupOf(training, given.training),
    microBatch: fittingMicroBatch(training, given.training, valueAt(given, ['engine', 'devices'])),
  };
}

/** Warm-up epochs of a recipe, scaled down if the settings shorten its run. */
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

/** 34.9e9 as `34.9 G`; at least 1, or 0. */
export function short(value: number): string {
  const units = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z'];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(value) / 3)));
  return `${Number((value / 1000 ** step).toPrecision(3))} ${units[step]}`;
}
