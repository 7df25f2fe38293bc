/** Models, pretext tasks, masks, targets, decoders, training programs and optimizers: from settings to graphs. */
// biome-ignore-all assist/source/organizeImports: grouped by what they are for

// Models
export type { AutoencoderConfig, DecoderConfig, EncoderConfig } from '../models/config.ts';
export { decoders } from '../models/decoders/table.ts';
export { autoencoderParameters } from '../models/autoencoder.ts';
export { type ClassifierConfig, classifierParameters, classify, type Pooling } from '../models/classifier.ts';
export {
  type LinearHead,
  type SegmenterConfig,
  segment,
  segmenterLoss,
  segmenterParameters,
} from '../models/segmenter.ts';
export type { UperNetHead } from '../models/upernet.ts';
export { modelConfig, modelNames, modelSize, modelSizes } from '../models/sizes.ts';
export { initialise } from '../nn/init.ts';
export { initialiseOnThreads } from '../run/initialise-on-threads.ts';
export type { ParameterSpec } from '../nn/parameters.ts';
export type { Geometry, Size } from '../image/size.ts';

// Tasks
export { type TargetName, targets } from '../nn/targets/table.ts';
export { drawBatch } from '../tasks/draws.ts';
export { maskGenerator, maskGenerators } from '../tasks/masks/table.ts';
export { task, taskNames, tasks } from '../tasks/table.ts';
export type { MaskGenerator, PretextTask } from '../tasks/task.ts';

// Programs and optimizers
export { evaluateTask, type TaskEvaluation, type TaskEvaluationOptions } from '../programs/evaluate-task.ts';
export { type PretrainOptions, type PretrainPrograms, pretrainPrograms } from '../programs/pretrain.ts';
export { type AdamWOptions, adamw } from '../optim/adamw.ts';
export { learningRate, type Schedule, scaledPeak } from '../optim/schedule.ts';
export { type Rng, type RngKey, rng } from '../random/rng.ts';
