/** Settings, recipes, studies and their statistics, and the measurement of a training step. */
// biome-ignore-all assist/source/organizeImports: grouped by purpose

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

// Types of these signatures
export type { BenchRow } from '../bench/bench.ts';
export type { BenchDetector } from '../bench/detect-step.ts';
export type { PeerMeasure } from '../bench/peer.ts';
export type { GivenSettings } from '../config/given.ts';
export type { RecipeOf } from '../config/recipe.ts';
export type { FetchEvent } from '../run/events.ts';
export type { Group } from '../study/arms.ts';
export type { Remainder } from '../study/estimate.ts';
export type { Cell, Piece } from '../study/pieces.ts';
export type { Places } from '../study/places.ts';
export type { ArmResult, Difference, Score as StudyScore } from '../study/results.ts';
export type { RunPiece } from '../study/runner.ts';
export type { Primary, Reference, Selection } from '../study/schema.ts';
export type { Cost } from '../config/recipe.ts';
export type { Arm, Budget } from '../study/arms.ts';
export type { PieceState } from '../study/estimate.ts';
export type { Judge } from '../study/judge.ts';
export type { PlanOptions } from '../study/images.ts';
