import { Command } from 'commander';
import type { z } from 'zod';
import { assumedRate, measuredRate, type TrainingRate } from '../../bench/rate.ts';
import { quickVariant, recipe } from '../../config/recipes.ts';
import { settings } from '../../config/walk.ts';
import { formsOf, sources } from '../../data/sources/table.ts';
import { decoders } from '../../models/decoders/table.ts';
import { modelSizes } from '../../models/sizes.ts';
import { targets } from '../../nn/targets/table.ts';
import { recordedKinds } from '../../run/kinds/table.ts';
import { maskGenerators } from '../../tasks/masks/table.ts';
import { taskNames, tasks } from '../../tasks/table.ts';
import { suggestion } from '../../text/nearest.ts';
import { plural } from '../../text/plural.ts';
import { UsageError } from '../errors.ts';
import { engineOption, optionalEngine } from '../options/options.ts';
import { recipeGrid, recipeLines, recipesNamed, timeOf } from '../show/recipe-list.ts';
import { table } from '../show/table.ts';

/** A list: as data, and as text for people if a table does not do. */
const kinds: Readonly<
  Record<
    string,
    { data(filter: string): object[]; text?(filter: string, rate: TrainingRate, brief: boolean): string }
  >
> = {
  tasks: { data: listTasks, text: describeTasks },
  masks: {
    data: () => maskGenerators.map(({ name, summary }) => ({ name, 'what is removed together': summary })),
  },
  targets: { data: () => choices(targets, 'what the decoder predicts') },
  decoders: { data: () => choices(decoders, 'how it predicts') },
  models: { data: listModels },
  recipes: {
    data: listRecipes,
    text: (filter, rate, brief) =>
      filter === '' ? recipeGrid(rate, brief) : recipeLines(recipesNamed(filter), rate),
  },
  sources: {
    data: () => sources.flatMap(formsOf).map(([source, help]) => ({ source, 'what it opens': help })),
  },
  ...Object.fromEntries(
    recordedKinds.flatMap(({ name, role, schema }) =>
      schema
        ? [[role === 'pretrain' ? 'settings' : `${name}-settings`, { data: () => listSettings(schema) }]]
        : [],
    ),
  ),
};

interface Options {
  filter?: string;
  measure?: boolean;
  engine: string;
  json?: boolean;
}

export function listCommand(): Command {
  return new Command('list')
    .description('list what there is to choose from, and where to begin')
    .argument('[kind]', `${Object.keys(kinds).join(', ')} (default: all but the settings)`, parseKind)
    .option('--filter <text>', 'only recipes whose name contains the text, one a line')
    .option('--measure', 'take the time of a few training steps here, for the times of recipes')
    .addOption(engineOption('engine of --measure', 'auto'))
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking list tasks
  $ npx beyond-masking list recipes --measure
  $ npx beyond-masking list recipes --filter imagenet-base
  $ npx beyond-masking list settings            every key for --set of pretrain, with its default
  $ npx beyond-masking list finetune-settings   the same of finetune`,
    )
    .action(async (kind: string | undefined, { filter = '', measure, engine, json }: Options) => {
      const chosen = kind ? [kind] : ['tasks', 'models', 'recipes'];
      if (json) {
        const all = chosen.map((name) => [name, kinds[name]!.data(filter)]);
        console.log(JSON.stringify(Object.fromEntries(all), null, 2));
        return;
      }
      const rate = measure ? await measuredRate((await optionalEngine(engine))!) : assumedRate();
      const parts = chosen.map((name) => `${name.toUpperCase()}\n${textOf(name, filter, rate, !kind)}`);
      console.log([...(kind ? [] : [whereToBegin(rate)]), ...parts].join('\n\n'));
    });
}

function parseKind(text: string): string {
  if (Object.hasOwn(kinds, text)) return text;
  const names = Object.keys(kinds);
  throw new UsageError(
    `what to list must be one of ${names.join(', ')}, got "${text}"${suggestion(text, names)}`,
  );
}

/** @param brief as a part of the overview */
function textOf(name: string, filter: string, rate: TrainingRate, brief: boolean): string {
  const { data, text } = kinds[name]!;
  if (text) return text(filter, rate, brief);
  const rows = data(filter) as Record<string, string>[];
  return table([Object.keys(rows[0]!), ...rows.map((row) => Object.values(row))]);
}

/** The first commands of somebody who has none yet. */
function whereToBegin(rate: TrainingRate): string {
  const first = 'cifar10-micro-masked-zoomed-in';
  const { cost, config } = recipe(quickVariant(first));
  const epochs = plural(config.training.epochs, 'epoch');
  return `WHERE TO BEGIN
npx beyond-masking preview
  what each task does to an image
npx beyond-masking pretrain --recipe ${first} --quick
  ${epochs} of CIFAR-10 and a report of its scores: about ${timeOf(cost, rate)} here
npx beyond-masking pretrain --data ~/photos
  your own images, with settings that suit them; \`advise ~/photos\` says why`;
}

/** Values of a setting: names, and a line for each. */
function choices(table: Readonly<Record<string, { readonly summary: string }>>, column: string) {
  return Object.entries(table).map(([name, { summary }]) => ({ name, [column]: summary }));
}

function listTasks() {
  return tasks.map(({ name, summary }) => ({ name, 'what it does to an image': summary }));
}

/** Every degradation once: masking combines with all of them, and one can follow another. */
function describeTasks(): string {
  const alone = tasks.filter(
    ({ name }) => !taskNames.includes(name.replace('masked+', '')) || !name.includes('+'),
  );
  const rows = alone.map(({ name, summary }) => [name, summary]);
  return `${table([['name', 'what it does to an image'], ...rows])}
masked+NAME: then most tokens are removed. NAME+NAME: one after the other. Both: masked+zoomed-in+blurred
See also: list masks (task.mask), list targets (model.target), list decoders (model.decoder.kind)`;
}

function listModels() {
  const stack = (s: { width: number; depth: number; heads: number }) =>
    `${s.width} / ${s.depth} / ${s.heads}`;
  return Object.entries(modelSizes).map(([name, size]) => ({
    name,
    'width / depth / heads': stack(size),
    decoder: stack(size.decoder),
    image: size.image.join('×'),
    patch: String(size.patch),
  }));
}

function listRecipes(filter: string) {
  return recipesNamed(filter).map(({ name, source, cost, expected, notes }) => ({
    ...{ name, expected, ...cost, source, notes },
  }));
}

function listSettings(schema: z.ZodType) {
  const given = settings(schema).filter(({ path }) => !path.startsWith('own.')); // a run writes those
  return given.map(({ path, default: value, description, only }) => ({
    setting: path,
    default: JSON.stringify(value),
    description: only ? `${only.join(', ')}: ${description}` : description,
  }));
}
