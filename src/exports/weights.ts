/** Weights: models of any supported file, checkpoints and metrics of runs, exports. */
// biome-ignore-all assist/source/organizeImports: grouped by purpose

// Models in and out
export { type Model, modelParameters, type OpenModelOptions, openModel } from '../weights/model.ts';
export { type Inspection, inspectModel, type PartSummary } from '../weights/inspect.ts';
export type { MissingWeight, TensorFate, WeightsReport } from '../weights/report.ts';
export {
  type ExportFormat,
  type ExportOptions,
  type ExportResult,
  exportModel,
} from '../weights/out/export.ts';
export { ExportError, type Part } from '../weights/out/part.ts';

// Checkpoints and metrics of runs
export { type Checkpoint, type CheckpointInfo, type Progress, readCheckpoint } from '../run/checkpoint.ts';
export { findCheckpoint, type RunFolder, runFolder } from '../run/folder.ts';
export { readMetrics } from '../run/metrics.ts';
export type { KnnScores, StepRow } from '../run/events.ts';

// Types of these signatures
export type { EvaluationView } from '../image/view.ts';
export type { HeadStart, PanelScores, ProbeScores, RunningEvent, StartEvent } from '../run/events.ts';
export type { TrainResult } from '../train/runner.ts';
export type { ModelDescription } from '../weights/description.ts';
export type { ForeignOptions } from '../weights/in/foreign.ts';
export type { OnnxCheck } from '../weights/out/verify-onnx.ts';
export type { ModelParts } from '../weights/parameters.ts';
export type { NoteEvent } from '../run/events.ts';
