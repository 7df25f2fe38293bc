/** Features of models and their scores: kNN, linear probes, predictions, evaluators. */
// biome-ignore-all assist/source/organizeImports: grouped by purpose
export { type EmbedOptions, type EmbedResult, embed } from '../evaluate/features/embed.ts';
export { type ExtractOptions, FeatureExtractor, type FeatureModel } from '../evaluate/features/extract.ts';
export {
  type FeatureRows,
  type NearestImages,
  type NearestOptions,
  type Neighbour,
  nearest,
} from '../evaluate/features/nearest.ts';
export {
  type AttentionMaps,
  type AttentionOptions,
  attentionMaps,
  drawAttention,
} from '../evaluate/features/attention.ts';
export { drawComponents } from '../evaluate/features/components.ts';
export {
  type NeighboursOptions,
  type NeighboursResult,
  neighbours,
} from '../evaluate/features/neighbours.ts';
export {
  type PrincipalComponents,
  principalComponents,
  projections,
} from '../evaluate/features/principal-components.ts';
export type { JudgedRun, RunEvaluator } from '../parts/evaluator.ts';
export { type Features, labelled } from '../evaluate/features/features.ts';
export { type Evaluator, evaluate, type Score, type Watch } from '../evaluate/evaluator.ts';
export { type KnnOptions, knnAccuracy, type LabelledFeatures } from '../evaluate/knn/knn.ts';
export { type KnnReportOptions, knn } from '../evaluate/knn/knn-report.ts';
export { type CheckpointReport, knnOfCheckpoints } from '../evaluate/knn/knn-checkpoints.ts';
export type { KnnReport } from '../evaluate/knn/knn-folder.ts';
export { type LinprobeOptions, type LinprobeResult, linprobe } from '../evaluate/probe/linprobe.ts';
export { type LinprobeInput, linprobeSchema } from '../config/linprobe-schema.ts';
export {
  addImage,
  type Confusion,
  emptyConfusion,
  type SegmentationScores,
  segmentationScores,
} from '../evaluate/segmentation/confusion.ts';
export { type Logits, type SegmentOptions, segmentImage } from '../evaluate/segmentation/segment-image.ts';
export { type Prediction, type PredictOptions, predict } from '../evaluate/predict.ts';

// Types of these signatures
export type { FeatureOptions, OnProgress } from '../evaluate/features/extract.ts';
export type { EngineOptions } from '../evaluate/model-engine.ts';
export type { KnnByNeighbours } from '../evaluate/knn/knn-folder.ts';
export type { RateScore } from '../evaluate/probe/choose-rate.ts';
export type { QueryToken } from '../evaluate/features/attention.ts';
export type { ViewedOptions } from '../evaluate/features/viewed.ts';
export type { FeatureConfig, FeatureTokens } from '../programs/features.ts';
export type { LinprobeEvent } from '../run/events.ts';
export type { ProbeRun } from '../config/linprobe-schema.ts';
export type { Maps } from '../evaluate/segmentation/bilinear.ts';
export type { Planes } from '../evaluate/segmentation/segment-image.ts';
