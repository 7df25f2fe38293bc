import type { TrainingRate } from '../../bench/rate.ts';
import { detectRecipe, detectRecipeNames } from '../../config/detect-recipes.ts';
import { finetuneRecipe, finetuneRecipeNames } from '../../config/finetune-recipes.ts';
import type { Cost, RecipeOf } from '../../config/recipe.ts';
import { variants } from '../../config/recipes/variants.ts';
import { recipe, recipeNames, short } from '../../config/recipes.ts';
import { segmentRecipe, segmentRecipeNames } from '../../config/segment-recipes.ts';
import { taskNames } from '../../tasks/table.ts';
import { roughTime } from '../../text/rough-time.ts';
import { table } from './table.ts';

type AnyRecipe = RecipeOf<unknown>;

/** All recipes of pre-training, then of fine-tuning, segmentation and detection, whose name contains a text. */
export function recipesNamed(filter: string): AnyRecipe[] {
  const chosen = (names: readonly string[]) => names.filter((name) => name.includes(filter));
  return [
    ...chosen(recipeNames).map(recipe),
    ...chosen(finetuneRecipeNames).map(finetuneRecipe),
    ...chosen(segmentRecipeNames).map(segmentRecipe),
    ...chosen(detectRecipeNames).map(detectRecipe),
  ];
}

/** How long a recipe takes: `3 h`. */
export function timeOf({ flops }: Cost, rate: TrainingRate): string {
  return roughTime(flops / rate.flops);
}

/**
 * Sizes across, tasks down, and in each place the time that the recipe takes.
 * @param brief without what else there is to know
 */
export function recipeGrid(rate: TrainingRate, brief = false): string {
  const models = [...new Set(recipeNames.map((name) => name.split('-').slice(0, 2).join('-')))];
  const byName = new Map(recipesNamed('').map((found) => [found.name, found.cost]));
  const cells = (ending: string) =>
    models.map((model) => {
      const cost = byName.get(`${model}-${ending.replaceAll('+', '-')}`);
      return cost ? timeOf(cost, rate) : '';
    });
  const [data, size] = [0, 1].map((part) => models.map((model) => model.split('-')[part]!));
  const grid = table([
    ['', ...data!.map((name, i) => (name === data![i - 1] ? '' : name))],
    ['task', ...size!],
    ...taskNames.map((task) => [task, ...cells(task)]),
    ['finetune', ...cells('finetune')],
  ]);
  const families = (of: readonly string[]) =>
    [...new Set(of.map((name) => name.replace(/^([^-]+-[^-]+-).*/, '$1*')))].join(', ');
  const names = 'Names are DATA-SIZE-TASK, with - for +: cifar10-micro-masked-zoomed-in.';
  if (brief)
    return `${grid}
${names} \`list recipes\` says more.
segment: ${families(segmentRecipeNames)}; detect: ${families(detectRecipeNames)}.`;
  const published = recipesNamed('imagenet-base-').flatMap(({ name, expected }) => {
    const percent = /[\d.]+ %/.exec(expected)?.[0];
    return percent && !name.endsWith('finetune') ? [`${name.slice('imagenet-base-'.length)} ${percent}`] : [];
  });
  return `${grid}

${names}
Of segment: ${segmentRecipeNames.join(', ')}.
Of detect: ${detectRecipeNames.join(', ')}.
As TASK, cifar10-micro and imagenet-base also have
${lines(variants.map(({ name }) => name))}.
In the table stands the time of the whole training on this machine, in hours, days or years,
${rate.how}.
cifar10-micro-*: with --quick, minutes. imagenet-*: for accelerators, and ImageNet-1K under --data.
Published for imagenet-base, fine-tuned top-1:
  ${published.slice(0, 4).join(', ')},
  ${published.slice(4).join(', ')}
\`list recipes --filter imagenet-base\` has one recipe a line, with its source and what it should give.`;
}

/** Some recipes, one a line, with their notes below. */
export function recipeLines(found: readonly AnyRecipe[], rate: TrainingRate): string {
  if (found.length === 0) return 'none';
  const rows = found.map(({ name, source, cost, expected }) => [
    name,
    expected,
    timeOf(cost, rate),
    `${short(cost.images)}`.trim(),
    source,
  ]);
  const notes = new Set(found.flatMap(({ notes }) => notes));
  const lines = table([['name', 'expected', 'about', 'images', 'source'], ...rows]);
  return `${lines}\n\n${[...notes, `times ${rate.how}`].join('\n')}`;
}

/** Names in lines of at most 100 characters. */
function lines(names: readonly string[]): string {
  return names
    .join(', ')
    .replace(/(.{1,100})(, |$)/g, '$1$2\n')
    .trim()
    .replace(/ +\n/g, '\n');
}
