/** Models, pretext tasks, masks, targets, decoders, training programs and optimizers: from settings to graphs. */
// biome-ignore-all assist/source/organizeImports: grouped by purpose

// Models
export type { AttentionWindows, AutoencoderConfig, DecoderConfig, EncoderConfig } from '../models/config.ts';
export { type DetectorConfig, type DetectorHead, detectorParameters } from '../models/detector.ts';
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
export { type TargetChoice, type TargetName, targetOf, targets } from '../nn/targets/table.ts';
export { drawBatch } from '../tasks/draws.ts';
export { maskGenerator, maskGenerators } from '../tasks/masks/table.ts';
export { masked } from '../tasks/compose.ts';
export type { OwnTasks } from '../tasks/own.ts';
export { patchLoss, recoveryLoss } from '../tasks/patch-loss.ts';
export { plain } from '../tasks/plain.ts';
export { task, taskNames, tasks } from '../tasks/table.ts';
export type { MaskGenerator, PretextTask } from '../tasks/task.ts';

// Building blocks of tasks and targets
export { areaMatrix, areaResize, areaRows, project } from '../nn/area.ts';
export { fromPicture, toPicture } from '../nn/normalise.ts';
export { patchify, unpatchify } from '../nn/patches.ts';

// Programs and optimizers
export { evaluateTask, type TaskEvaluation, type TaskEvaluationOptions } from '../programs/evaluate-task.ts';
export { type PretrainOptions, type PretrainPrograms, pretrainPrograms } from '../programs/pretrain.ts';
export { type AdamWOptions, adamw } from '../optim/adamw.ts';
export { learningRate, type Schedule, scaledPeak } from '../optim/schedule.ts';
export { type Rng, type RngKey, rng } from '../random/rng.ts';

// Types of these signatures
export type { DecoderKind } from '../models/config.ts';
export type { Decoder } from '../models/decoders/decoder.ts';
export type { EncodeOptions } from '../models/encoder.ts';
export type { ModelSize } from '../models/sizes.ts';
export type { Init, LayerParameter, Part as ModelPart, Weights } from '../nn/parameters.ts';
export type { Positions } from '../nn/positions.ts';
export type { NamedTarget, Target } from '../nn/targets/target.ts';
export type { Weights as InitialWeights } from '../run/initialise-on-threads.ts';
export type { DrawSpec, Draws, LossInputs, Losses, TaskContext, TaskDefaults } from '../tasks/task.ts';
export type { Encoded, PatchCounts, Prediction as DecoderPrediction } from '../models/decoders/decoder.ts';
export type { StackSize } from '../models/sizes.ts';
export type { Masking } from '../nn/masking.ts';
export type { TargetContext } from '../nn/targets/target.ts';
export type { RemovedPatches } from '../models/decoders/decoder.ts';
export type { BoxHead } from '../models/box-head.ts';
export type { Pyramid } from '../models/pyramid.ts';
export type { SegmenterLoss, SegmenterOptions } from '../models/segmenter.ts';
export type { PyramidScale } from '../models/upernet.ts';
export type { BatchStatistics } from '../nn/batch-norm.ts';
