// Makes docs/recipes.md from the tables of recipes and from measured rates, docs/recipes.json.
//
//   npm run build && node scripts/recipes.mjs [--check]      # --check: fails where the page is out of step with the tables
//   npm run build && node scripts/recipes.mjs --measure      # measures the rates first: some 8 minutes on a quiet machine
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { bench } from '../dist/bench/bench.js';
import { detectRecipe, detectRecipeNames } from '../dist/config/detect-recipes.js';
import { finetuneRecipe, finetuneRecipeNames } from '../dist/config/finetune-recipes.js';
import { recipe, recipeNames, short } from '../dist/config/recipes.js';
import { segmentRecipe, segmentRecipeNames } from '../dist/config/segment-recipes.js';
import { taskOf } from '../dist/tasks/table.js';
import { roughTime } from '../dist/text/rough-time.js';

const RATES = 'docs/recipes.json';
const PAGE = 'docs/recipes.md';
/** Images of a measured step, by size. Larger models are taken at the rate of the last one. */
const BATCHES = { micro: 256, tiny: 32, small: 32, base: 8 };

/** Recipes by kind of run. Recipes of a kind share their settings' paths. */
const kinds = [
  { names: recipeNames, of: recipe },
  { names: finetuneRecipeNames, of: finetuneRecipe },
  { names: segmentRecipeNames, of: segmentRecipe },
  { names: detectRecipeNames, of: detectRecipe },
];

const { values: given } = parseArgs({
  options: { measure: { type: 'boolean' }, check: { type: 'boolean' } },
});
if (given.measure) writeFileSync(RATES, `${JSON.stringify(await measure(), undefined, 2)}\n`);
const rates = JSON.parse(readFileSync(RATES, 'utf8'));
const page = makePage();
if (!given.check) writeFileSync(PAGE, page);
else if (readFileSync(PAGE, 'utf8') !== page)
  throw new Error(`${PAGE} is out of step with the recipes: node scripts/recipes.mjs`);

/** Floating-point operations a second of a training step, by size and kind of step. */
async function measure() {
  const measured = { sizes: {} };
  for (const [model, batch] of Object.entries(BATCHES)) {
    const options = { model, batch, steps: 3, onProgress: (what) => console.error(model, what) };
    const tasks = await bench({ ...options, tasks: ['masked', 'zoomed-in'] });
    const tuned = await bench({ ...options, finetune: true });
    const { machine, engine } = tasks;
    Object.assign(measured, { machine, engine });
    const [masked, whole] = tasks.rows;
    measured.sizes[model] = {
      batch,
      masked: masked.gflops,
      whole: whole.gflops,
      finetune: tuned.rows[0].gflops,
    };
  }
  return measured;
}

function makePage() {
  const names = kinds.flatMap((kind) => kind.names);
  const groupOf = (name) => name.split('-').slice(0, 2).join('-');
  const sections = [...new Set(names.map(groupOf))].map((group) =>
    section(
      group,
      names.filter((name) => groupOf(name) === group),
    ),
  );
  return `# Recipes

Every recipe whole: its settings, its source, its cost, the number it should give. The page is made from the tables by
\`node scripts/recipes.mjs\`; \`npx beyond-masking list recipes\` has the same for the machine at hand.

**Time** is that of the whole training on two cores (${rates.machine}; ${rates.engine}): the recipe's operations at the measured
rate of a step of its size (last table); segmentation and detection at that of fine-tuning, larger models at that of the base size. **Operations** are those of matrix products, forward once and backward twice.

${sections.join('\n\n')}

## Measured rates

\`npm run build && node scripts/recipes.mjs --measure\`

${table([
  ['size', 'images a step', 'masked, GFLOP/s', 'all tokens', 'fine-tuning'],
  ...Object.entries(rates.sizes).map(([size, { batch, masked, whole, finetune }]) => [
    size,
    batch,
    ...[masked, whole, finetune].map((rate) => rate.toFixed(0)),
  ]),
])}
`;
}

function section(group, names) {
  const families = kinds.map((kind) =>
    kind.names.filter((name) => names.includes(name)).map((name) => kind.of(name)),
  );
  return [`## ${group}`, ...families.filter(({ length }) => length > 0).map(family)].join('\n\n');
}

/** Recipes beside the first of them: its settings in full, of the others what differs. */
function family(recipes) {
  const [first, ...others] = recipes;
  const common = flat(first.config);
  const rows = [first, ...others].map((one) => {
    const differs = [...flat(one.config)].filter(
      ([key, value]) => key !== 'recipe' && common.get(key) !== value,
    );
    return [
      `\`${one.name}\``,
      differs.map(([key, value]) => `\`${key}=${value}\``).join(' ') || '–',
      `${short(one.cost.images).trim()}`,
      `${short(one.cost.flops).trim()}FLOP`,
      roughTime(one.cost.flops / (1e9 * rateOf(one))),
      one.expected,
      one.source,
    ];
  });
  const notes = [...new Set(recipes.flatMap(({ notes }) => notes))];
  return `Settings of \`${first.name}\`:

\`\`\`
${[...common].map(([key, value]) => `${key}=${value}`).join('\n')}
\`\`\`

${table([['recipe', 'differs in', 'images', 'operations', 'time', 'expected', 'source'], ...rows])}

${notes.map((note) => `- ${note}`).join('\n')}`;
}

function rateOf({ name, config }) {
  const rate = rates.sizes[name.split('-')[1]] ?? rates.sizes.base;
  if (!config.task) return rate.finetune;
  return taskOf(config.task).mask ? rate.masked : rate.whole;
}

/** Settings as \`--set\` takes them, by path. */
function flat(value, path = '') {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return new Map([[path, Array.isArray(value) ? value.join(',') : String(value)]]);
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [...flat(inner, path ? `${path}.${key}` : key)]),
  );
}

function table([head, ...rows]) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
