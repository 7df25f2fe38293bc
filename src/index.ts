/**
 * Pre-train Vision Transformers by recovering degraded images.
 *
 * Most users need `pretrain`, `reconstruct`, `preview` and `knn`: what the commands do, as calls. The rest is what
 * those are made of, for tests, notebooks, own tasks and own engines.
 */
// biome-ignore-all assist/source/organizeImports: grouped by what they are for

// Runs
export { ConfigError } from './config/error.ts';
export { mergeConfig, parseOverride } from './config/overrides.ts';
export { recipe, recipeNames, resolveConfig } from './config/recipes.ts';
export type { Recipe } from './config/recipe.ts';
export { type Config, type ConfigInput, configSchema, parseConfig } from './config/schema.ts';
export { type Checkpoint, type CheckpointInfo, type Progress, readCheckpoint } from './run/checkpoint.ts';
export { RunError } from './run/error.ts';
export type { FinetuneEvent, KnnScores, Outcome, PretrainEvent, StepRow } from './run/events.ts';
export { readMetrics } from './run/metrics.ts';
export { tensorboardLog } from './run/tensorboard.ts';
export { pretrain, type RunOptions, type RunResult } from './pretrain.ts';
export { type FinetuneOptions, type FinetuneResult, finetune } from './finetune.ts';
export { finetuneRecipe, finetuneRecipeNames, resolveFinetuneConfig } from './config/finetune-recipes.ts';
export {
  type FinetuneConfig,
  type FinetuneInput,
  finetuneSchema,
  parseFinetuneConfig,
} from './config/finetune-schema.ts';
export { type PreviewOptions, preview } from './preview.ts';
export { type ReconstructOptions, reconstruct } from './reconstruct.ts';
export { findCheckpoint, type RunFolder, runFolder } from './run/folder.ts';

// Weights
export { type Model, modelParameters, openModel } from './weights/model.ts';
export {
  type ExportFormat,
  type ExportOptions,
  type ExportResult,
  exportModel,
} from './weights/out/export.ts';
export { ExportError, type Part } from './weights/out/part.ts';
export { type Inspection, inspectModel, type PartSummary } from './weights/inspect.ts';
export type { MissingWeight, TensorFate, WeightsReport } from './weights/report.ts';

// Judging features
export { type EmbedOptions, type EmbedResult, embed } from './evaluate/features/embed.ts';
export {
  type FeatureRows,
  type NearestOptions,
  type Neighbour,
  nearest,
} from './evaluate/features/nearest.ts';
export { type Evaluator, evaluate, type Score, type Watch } from './evaluate/evaluator.ts';
export { type ExtractOptions, FeatureExtractor, type FeatureModel } from './evaluate/features/extract.ts';
export { type Features, labelled } from './evaluate/features/features.ts';
export { type KnnOptions, knnAccuracy, type LabelledFeatures } from './evaluate/knn/knn.ts';
export { type LinprobeInput, linprobeSchema } from './config/linprobe-schema.ts';
export { type Prediction, type PredictOptions, predict } from './evaluate/predict.ts';
export { type LinprobeOptions, type LinprobeResult, linprobe } from './evaluate/probe/linprobe.ts';
export { type KnnReportOptions, knn } from './evaluate/knn/knn-report.ts';
export type { KnnReport } from './evaluate/knn/knn-folder.ts';

// Images
export type { Augment } from './data/augment/augment.ts';
export type { Erasing } from './data/augment/erasing.ts';
export { parseRandAugment, type RandAugmentPolicy } from './data/augment/rand-augment.ts';
export type { Batch } from './data/load/batch.ts';
export { BrokenImages } from './data/load/broken.ts';
export { type Cifar10Counts, verifyCifar10 } from './data/sources/cifar10.ts';
export { fetchCifar10 } from './data/sources/cifar10-fetch.ts';
export type { OpenOptions, OpenProgress, SourceScheme } from './data/sources/scheme.ts';
export { type CropSampler, centreCrop, randomResizedCrop } from './data/decode/crop.ts';
export type { Annotations, BoxAnnotation, Boxes, Masks } from './data/sources/annotations.ts';
export type { ImageSource } from './data/sources/image-source.ts';
export { identify } from './data/sources/content.ts';
export {
  type Content,
  type Dataset,
  type DigestOptions,
  type RawImage,
  split,
  subset,
} from './data/sources/dataset.ts';
export { DataError } from './data/error.ts';
export { labelledShare } from './data/sources/labelled-share.ts';
export {
  evaluationBatches,
  type Loader,
  type LoaderOptions,
  type TrainingLoaderOptions,
  trainingBatches,
} from './data/load/loader.ts';
export {
  CIFAR10 as cifar10Normalisation,
  IMAGENET as imagenetNormalisation,
  type Normalisation,
} from './image/normalise.ts';
export { openDataset } from './data/sources/open.ts';
export { type PackOptions, type PackResult, packImages } from './data/sources/pack.ts';
export { countImages, type ImageCounts, verifyImages } from './data/sources/check-images.ts';
export { openImages } from './data/sources/image-list.ts';

// Tasks and models
export type { AutoencoderConfig, DecoderConfig, EncoderConfig } from './models/config.ts';
export { decoders } from './models/decoders/table.ts';
export { autoencoderParameters } from './models/autoencoder.ts';
export type { ParameterSpec } from './nn/parameters.ts';
export { type TargetName, targets } from './nn/targets/table.ts';
export { type ClassifierConfig, classifierParameters, classify, type Pooling } from './models/classifier.ts';
export { modelConfig, modelNames, modelSize, modelSizes } from './models/sizes.ts';
export { initialise } from './nn/init.ts';
export { initialiseOnThreads } from './run/initialise-on-threads.ts';
export type { Geometry, Size } from './image/size.ts';
export { drawBatch } from './tasks/draws.ts';
export { maskGenerator, maskGenerators } from './tasks/masks/table.ts';
export { task, taskNames, tasks } from './tasks/table.ts';
export type { MaskGenerator, PretextTask } from './tasks/task.ts';
export { evaluateTask, type TaskEvaluation, type TaskEvaluationOptions } from './programs/evaluate-task.ts';
export { type PretrainOptions, type PretrainPrograms, pretrainPrograms } from './programs/pretrain.ts';

// Graphs, engines, optimizers
export type { Backend, Parameter, Session, StepResult, TrainingPlan } from './engines/engine.ts';
export { type OneDnnBackend, type OneDnnOptions, openOneDnnBackend } from './engines/onednn/backend.ts';
export { OneDnnSession } from './engines/onednn/session.ts';
export { setupOneDnn } from './engines/onednn/setup.ts';
export { type OnnxBackend, type OnnxOptions, openOnnxBackend } from './engines/onnx/backend.ts';
export { referenceBackend } from './engines/reference/backend.ts';
export { openEngine } from './run/open-engine.ts';
export { cacheFolder } from './io/cache-folder.ts';
export { SetupError } from './engines/setup/error.ts';
export { install, type SetupOptions } from './engines/setup/install.ts';
export { type LibrarySet, librarySets } from './engines/setup/library-sets.ts';
export type { AttentionSetting } from './engines/xla/attention-choice.ts';
export { libraryProducts, openXlaBackend, type XlaBackend, type XlaOptions } from './engines/xla/backend.ts';
export { examineXla, type XlaReport } from './engines/xla/doctor.ts';
export { type FoundOptions, openFoundXla } from './engines/xla/open-found.ts';
export { XlaError } from './engines/xla/pjrt/error.ts';
export { findPlugins } from './engines/xla/plugins.ts';
export { type StepModule, stepModule } from './engines/xla/step-module.ts';
export type { Program, Tensor, TensorData, Values } from './graph/index.ts';
export * as graph from './graph/index.ts';
export type { ParameterGroup, UpdateRule } from './graph/update.ts';
export { type AdamWOptions, adamw } from './optim/adamw.ts';
export { learningRate, type Schedule, scaledPeak } from './optim/schedule.ts';

// Files and random numbers
export { type NamedTensor, toFloat32 } from './io/dtypes.ts';
export { FileFormatError } from './io/file-format-error.ts';
export { type NpyArray, writeNpy } from './io/npy.ts';
export { type NpyData, type ReadNpy, readNpy } from './io/read-npy.ts';
export { readHeader, readSafetensors, type SafetensorsFile, writeSafetensors } from './io/safetensors.ts';
export { type Rng, type RngKey, rng } from './random/rng.ts';

// Reports
export { type ReportOptions, type ReportResult, report } from './report/report.ts';
export { pairedDifference, type Summary, summarise } from './report/statistics.ts';

// Studies
export { parseStudy, readStudy, type Study } from './study/schema.ts';
export { keptPlan, openPlan } from './study/images.ts';
export { runStudy, type StudyOptions, type StudyResult, writeStudyPage } from './study/study.ts';
export type { StudyPlan } from './study/plan.ts';
export type { StudyResults } from './study/results.ts';
export type { StudyEvent } from './study/runner.ts';

// Speed
export { type BenchOptions, type BenchResult, bench } from './bench/bench.ts';
export { countWork } from './bench/budget.ts';
export { machine, median } from './bench/machine.ts';
export { lossesApart, writePeerStep } from './bench/peer.ts';
export { type ScalingPoint, scaling, scalingPlot, straightLine } from './bench/scaling.ts';
export { type SoakOptions, type SoakResult, soak } from './bench/soak.ts';
export { type BenchStep, finetuneStep, pretrainStep } from './bench/step.ts';

// Pictures
export { type CurvesOptions, renderCurves } from './visualize/curves.ts';
export { type GridOptions, renderGrid } from './visualize/grid.ts';
