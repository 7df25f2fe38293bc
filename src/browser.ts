/**
 * The library without Node: what runs in a page, or wherever a runtime and a worker are handed in. It imports no module of Node's
 * and no native package. A page and its workers each import it once, and pass each other no programs.
 */
// biome-ignore-all assist/source/organizeImports: grouped by purpose

// Settings
export { ConfigError } from './config/error.ts';
export { mergeConfig, parseOverride } from './config/overrides.ts';
export { recipe, recipeNames, resolveConfig } from './config/recipes.ts';
export { type Config, type ConfigInput, configSchema, parseConfig } from './config/schema.ts';

// Images
export { memoryBatches, type MemoryBatchOptions, memoryViews } from './data/load/memory.ts';
export {
  type BatchPlan,
  type Cursor,
  evaluationPlan,
  type Share,
  sampleRng,
  trainingPlan,
} from './data/load/sampler.ts';
export { centreCrop, randomResizedCrop } from './data/decode/crop.ts';
export { cropPlanes, cropResize } from './data/decode/resize.ts';
export { type Augment, type Augmenter, makeAugmenter } from './data/augment/augment.ts';
export type { RawImage } from './data/sources/dataset.ts';
export {
  CIFAR10 as cifar10Normalisation,
  IMAGENET as imagenetNormalisation,
  type Normalisation,
} from './image/normalise.ts';
export type { Geometry, Size } from './image/size.ts';

// Tasks, models, programs
export type { AutoencoderConfig, DecoderConfig, EncoderConfig } from './models/config.ts';
export { decoders } from './models/decoders/table.ts';
export { autoencoderParameters } from './models/autoencoder.ts';
export { type ClassifierConfig, classifierParameters, classify, type Pooling } from './models/classifier.ts';
export { modelConfig, modelNames, modelSize, modelSizes } from './models/sizes.ts';
export { initialise } from './nn/init.ts';
export type { ParameterSpec } from './nn/parameters.ts';
export { type TargetName, targets } from './nn/targets/table.ts';
export { drawBatch } from './tasks/draws.ts';
export { maskGenerator, maskGenerators } from './tasks/masks/table.ts';
export { task, taskNames, taskOf, tasks } from './tasks/table.ts';
export type { MaskGenerator, PretextTask } from './tasks/task.ts';
export {
  type ClassifierOptions,
  type ClassifierPrograms,
  classifierPrograms,
} from './programs/classify.ts';
export { evaluateTask, type TaskEvaluation, type TaskEvaluationOptions } from './programs/evaluate-task.ts';
export { trainingPlan as optimizerPlan } from './programs/plan.ts';
export { type PretrainOptions, type PretrainPrograms, pretrainPrograms } from './programs/pretrain.ts';

// Graphs, optimizers, engines
export * as graph from './graph/index.ts';
export type { Program, Tensor, TensorData, Values } from './graph/index.ts';
export type { ParameterGroup, UpdateRule } from './graph/update.ts';
export { type AdamWOptions, adamw } from './optim/adamw.ts';
export { parameterGroups } from './optim/groups.ts';
export { learningRate, type Schedule, scaledPeak } from './optim/schedule.ts';
export type { Engine, Parameter, Session, StepResult, TrainingPlan } from './engines/engine.ts';
export { EngineHost, type RuntimeHost } from './engines/onnx/engine-host.ts';
export { openPageEngine } from './engines/onnx/page-engine.ts';
export type { EngineWorker } from './engines/onnx/page-client.ts';
export type { Runtime } from './engines/onnx/runtime.ts';
export { server } from './engines/onnx/serve.ts';
export { referenceEngine } from './engines/reference/engine.ts';

// Checkpoints
export {
  type Checkpoint,
  type CheckpointContent,
  decodeCheckpoint,
  encodeCheckpoint,
  type Progress,
} from './run/checkpoint-codec.ts';
export type { RunKind } from './run/kind.ts';

// Runs
export type { Outcome, RunningEvent, StartEvent, StepRow } from './run/events.ts';
export { type ProgramSetup, programSetup } from './run/pretrain-programs.ts';
export { metricsOf, resumeFrom } from './run/run-files.ts';
export { memoryStore, type RunStore } from './run/store.ts';
export type { Monitor, MonitorContext } from './train/training.ts';
export type { RanksWatch } from './run/lost-rank.ts';
export { type ReadyRun, runTraining } from './train/run-training.ts';
export { finetuning } from './run/kinds/finetune.ts';
export { pretraining } from './run/kinds/pretrain.ts';
export { type NamedTensor, toFloat32 } from './io/dtypes.ts';
export { FileFormatError } from './io/file-format-error.ts';
export { decodeSafetensors, encodeSafetensors, type SafetensorsFile } from './io/safetensors-codec.ts';

// Random numbers and pictures
export { type Rng, type RngKey, rng } from './random/rng.ts';
export { type CurvesOptions, renderCurves } from './visualize/curves.ts';
export { type Planes, toImage } from './visualize/image.ts';
export { type MetricsRow, type Point, seriesOf, smooth, thin } from './visualize/series.ts';

// Types of these signatures
export type { Pixels } from './data/decode/resize.ts';
export type { NativeFailure } from './engines/onnx/runtime.ts';
export type { Reply } from './engines/onnx/serve.ts';
export type { Decaying } from './optim/groups.ts';
export type { CheckpointContents, CheckpointModel, RecordedPanel, RunConfig } from './run/kind.ts';
export type { RgbImage } from './visualize/rgb-image.ts';
export type { Sized } from './config/cost.ts';
export type { Row } from './io/jsonl-codec.ts';
export type { TrainingViewOptions, ViewOptions } from './run/setup-pretrain.ts';
export type { Judged } from './run/sittings.ts';
export type { TrainingViews } from './train/job.ts';
export type { Ranks } from './train/ranks.ts';
export type { TrainingSetup } from './train/training.ts';
