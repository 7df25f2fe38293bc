/** Settings, recipes, studies and their statistics, and the measurement of a training step. */
// biome-ignore-all assist/source/organizeImports: grouped by what they are for

// Settings
export { mergeConfig, parseOverride } from '../config/overrides.ts';
export type { Recipe } from '../config/recipe.ts';
export { resolveConfig } from '../config/recipes.ts';
export { configSchema, parseConfig } from '../config/schema.ts';
export { resolveFinetuneConfig } from '../config/finetune-recipes.ts';
export { finetuneSchema, parseFinetuneConfig } from '../config/finetune-schema.ts';

// Studies
export { parseStudy, readStudy, type Study } from '../study/schema.ts';
export { keptPlan, openPlan } from '../study/images.ts';
export { runStudy, type StudyOptions, type StudyResult, writeStudyPage } from '../study/study.ts';
export type { StudyPlan } from '../study/plan.ts';
export type { StudyResults } from '../study/results.ts';
export type { StudyEvent } from '../study/runner.ts';
export { pairedDifference, type Summary, summarise } from '../report/statistics.ts';

// Speed
export { type BenchOptions, type BenchResult, bench } from '../bench/bench.ts';
