/** Files: safetensors, TensorBoard, pictures, reports, the cache. */
export { cacheFolder } from '../io/cache-folder.ts';
export { type NamedTensor, toFloat32 } from '../io/dtypes.ts';
export { FileFormatError } from '../io/file-format-error.ts';
export { readHeader, readSafetensors, type SafetensorsFile, writeSafetensors } from '../io/safetensors.ts';
export { type ReportOptions, type ReportResult, report } from '../report/report.ts';
export { tensorboardLog } from '../run/tensorboard.ts';
export { type CurvesOptions, renderCurves } from '../visualize/curves.ts';
export { type GridOptions, renderGrid } from '../visualize/grid.ts';
