/**
 * Pre-train Vision Transformers by recovering degraded images, and judge what they learned: what the commands do, as calls.
 * The parts that these are made of stand in `beyond-masking/graph`, `/nn`, `/data`, `/engines`, `/weights`, `/io` and `/study`; what runs
 * without Node stands in `/browser`.
 */
// biome-ignore-all assist/source/organizeImports: grouped by purpose

// Train
export { pretrain, type RunOptions, type RunResult } from './pretrain.ts';
export { type FinetuneOptions, type FinetuneResult, finetune } from './finetune.ts';
export type { FinetuneEvent, Outcome, PretrainEvent } from './run/events.ts';
export type { Config, ConfigInput } from './config/schema.ts';
export type { FinetuneConfig, FinetuneInput } from './config/finetune-schema.ts';
export { recipe, recipeNames } from './config/recipes.ts';
export { finetuneRecipe, finetuneRecipeNames } from './config/finetune-recipes.ts';
export { modelNames } from './models/sizes.ts';
export { taskNames } from './tasks/table.ts';

// Judge
export { knn } from './evaluate/knn/knn-report.ts';
export { linprobe } from './evaluate/probe/linprobe.ts';
export { embed } from './evaluate/features/embed.ts';
export { nearest } from './evaluate/features/nearest.ts';
export { type Prediction, predict } from './evaluate/predict.ts';
export { report } from './report/report.ts';
export { bench } from './bench/bench.ts';

// Look
export { type PreviewOptions, preview } from './preview.ts';
export { type ReconstructOptions, reconstruct } from './reconstruct.ts';

// Images and weights
export { openDataset } from './data/sources/open.ts';
export { openImages } from './data/sources/image-list.ts';
export { type OpenModelOptions, openModel } from './weights/model.ts';
export { inspectModel } from './weights/inspect.ts';
export { exportModel } from './weights/out/export.ts';

// Own parts
export type { Parts } from './parts/parts.ts';
export { PartError } from './modules/module-export.ts';

// Errors
export { ConfigError } from './config/error.ts';
export { DataError } from './data/error.ts';
export { RunError } from './run/error.ts';
