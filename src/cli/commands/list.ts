import { Command } from 'commander';
import type { z } from 'zod';
import { finetuneRecipe, finetuneRecipeNames } from '../../config/finetune-recipes.ts';
import { finetuneSchema } from '../../config/finetune-schema.ts';
import { recipe, recipeNames } from '../../config/recipes.ts';
import { configSchema } from '../../config/schema.ts';
import { settings } from '../../config/walk.ts';
import { modelSizes } from '../../models/sizes.ts';
import { tasks } from '../../tasks/table.ts';
import { suggestion } from '../../text/nearest.ts';
import { UsageError } from '../errors.ts';
import { table } from '../show/table.ts';

const kinds = {
  tasks: listTasks,
  models: listModels,
  recipes: listRecipes,
  settings: () => listSettings(configSchema),
  'finetune-settings': () => listSettings(finetuneSchema),
};
type Kind = keyof typeof kinds;

export function listCommand(): Command {
  return new Command('list')
    .description('list what there is to choose from')
    .argument('[kind]', `${Object.keys(kinds).join(', ')} (default: all but the settings)`, parseKind)
    .option('--filter <text>', 'only recipes whose name contains the text')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ beyond-masking list tasks
  $ beyond-masking list recipes --filter imagenet-base
  $ beyond-masking list settings            every key for --set of pretrain, with its default
  $ beyond-masking list finetune-settings   the same of finetune`,
    )
    .action((kind: Kind | undefined, { filter = '', json }: { filter?: string; json?: boolean }) => {
      const chosen = kind ? [kind] : (['tasks', 'models', 'recipes'] as const);
      if (json)
        console.log(JSON.stringify(Object.fromEntries(chosen.map((k) => [k, kinds[k](filter)])), null, 2));
      else console.log(chosen.map((k) => `${title(k)}\n${text(kinds[k](filter))}`).join('\n\n'));
    });
}

function parseKind(text: string): Kind {
  if (Object.hasOwn(kinds, text)) return text as Kind;
  const names = Object.keys(kinds);
  throw new UsageError(
    `what to list must be one of ${names.join(', ')}, got "${text}"${suggestion(text, names)}`,
  );
}

/** Columns by their headings; notes stand below the table, each once. */
interface Row {
  readonly [heading: string]: string | readonly string[];
  readonly notes?: readonly string[];
}

function listTasks(): Row[] {
  return tasks.map(({ name, summary }) => ({ name, 'what it does to an image': summary }));
}

function listModels(): Row[] {
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

function listRecipes(filter: string): Row[] {
  const chosen = (names: readonly string[]) => names.filter((name) => name.includes(filter));
  return [...chosen(recipeNames).map(recipe), ...chosen(finetuneRecipeNames).map(finetuneRecipe)].map(
    ({ name, source, cost, expected, notes }) => ({ name, expected, cost, source, notes }),
  );
}

function listSettings(schema: z.ZodType): Row[] {
  return settings(schema).map(({ path, default: value, description }) => ({
    setting: path,
    default: JSON.stringify(value),
    description,
  }));
}

const title = (kind: string) => kind.toUpperCase();

function text(rows: readonly Row[]): string {
  if (rows.length === 0) return 'none';
  const columns = rows.map(({ notes, ...row }) => row as Record<string, string>);
  const notes = new Set(rows.flatMap((row) => row.notes ?? []));
  const lines = table([Object.keys(columns[0]!), ...columns.map((row) => Object.values(row))]);
  return notes.size === 0 ? lines : `${lines}\n\n${[...notes].join('\n')}`;
}
