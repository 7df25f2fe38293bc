import { suggestion } from '../text/nearest.ts';
import { ConfigError } from './error.ts';
import type { AnyEntry, RecipeOf } from './recipe.ts';

/** The recipes for one kind of run. */
export interface RecipeBook<C> {
  /** Names of all recipes, without the quick variants. */
  readonly names: readonly string[];
  /** The recipe or quick variant with this name. Throws ConfigError for an unknown name, with the nearest one. */
  recipe(name: string): RecipeOf<C>;
  /** The name of a recipe's quick variant. Throws ConfigError if it has none, or for an unknown recipe. */
  quickVariant(name: string): string;
}

/** Turns the recipes for one kind of run into settings and costs. */
export interface RecipeReader<E extends AnyEntry, C> {
  readonly entries: readonly E[];
  /** Complete settings: the entry's model, overridden by each of `layers` in turn. */
  complete(name: string, entry: E, layers: readonly object[]): C;
  /** Floating-point operations per image of a training step. */
  flops(config: C, entry: E): number;
  /** Precedes the name in the error for an unknown recipe: `recipe`. */
  readonly noun: string;
  /** Words of the error for a name that is known elsewhere; empty if it is not. */
  elsewhere(name: string): string;
  /** Words of the error if no name is near. */
  readonly otherwise: string;
}

export function recipeBook<E extends AnyEntry, C extends { readonly training: { readonly epochs: number } }>({
  entries,
  complete,
  flops,
  noun,
  elsewhere,
  otherwise,
}: RecipeReader<E, C>): RecipeBook<C> {
  const names = entries.map(({ name }) => name);
  const recipe = (name: string): RecipeOf<C> => {
    const found = entries.find((entry) => name === entry.name || name === variantOf(entry));
    if (!found)
      throw new ConfigError(
        `unknown ${noun} "${name}"${elsewhere(name) || suggestion(name, names) || otherwise}`,
      );
    const { source, expected, notes, settings, quick } = found;
    const config = complete(name, found, name === found.name ? [settings] : [settings, quick!]);
    const images = found.images * config.training.epochs;
    return { name, source, cost: { images, flops: images * flops(config, found) }, expected, notes, config };
  };
  return {
    names,
    recipe,
    quickVariant(name) {
      recipe(name);
      const entry = entries.find((candidate) => candidate.name === name);
      const quick = entry && variantOf(entry);
      if (!quick)
        throw new ConfigError(
          `the recipe must have a quick variant, got "${name}", which has none: ${entries.find(variantOf)!.name} has one`,
        );
      return quick;
    },
  };
}

function variantOf({ name, quick }: AnyEntry): string | undefined {
  return quick && `${name}-quick`;
}
