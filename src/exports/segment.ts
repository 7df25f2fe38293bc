/** Semantic segmentation: training, predictions, settings and recipes. */
// biome-ignore-all assist/source/organizeImports: grouped by purpose
export { type SegmentResult, type SegmentRunOptions, trainSegmenter } from '../segment.ts';
export {
  type PredictedMask,
  type PredictMasksOptions,
  predictMasks,
} from '../evaluate/segmentation/predict-masks.ts';
export type { SegmentEvent } from '../run/events.ts';
export {
  parseSegmentConfig,
  type SegmentConfig,
  type SegmentInput,
  segmentSchema,
} from '../config/segment-schema.ts';
export { resolveSegmentConfig, segmentRecipe, segmentRecipeNames } from '../config/segment-recipes.ts';
