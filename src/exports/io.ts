/** Files: safetensors, TensorBoard, pictures, reports, the cache. */
export { cacheFolder } from '../io/cache-folder.ts';
// Types of these signatures
export type { Dtype } from '../io/dtypes.ts';
export { type NamedTensor, toFloat32 } from '../io/dtypes.ts';
export { FileFormatError } from '../io/file-format-error.ts';
export { type NpyArray, writeNpy } from '../io/npy.ts';
export { type NpyData, type ReadNpy, readNpy } from '../io/read-npy.ts';
export { readHeader, readSafetensors, type SafetensorsFile, writeSafetensors } from '../io/safetensors.ts';
export type { Header, TensorInfo } from '../io/safetensors-header.ts';
export { type ReportOptions, type ReportResult, report } from '../report/report.ts';
export type { UnreadableRun } from '../report/run.ts';
export type { TrainingEvent } from '../run/tensorboard.ts';
export { tensorboardLog } from '../run/tensorboard.ts';
export { type CurvesOptions, renderCurves } from '../visualize/curves.ts';
export type { GridCell, GridRow } from '../visualize/grid.ts';
export { type GridOptions, renderGrid } from '../visualize/grid.ts';
export type { Box } from '../visualize/outline.ts';
