/** Detection and instance segmentation: training, predictions, settings and recipes. */
// biome-ignore-all assist/source/organizeImports: grouped by purpose
export { type DetectResult, type DetectRunOptions, trainDetector } from '../detect.ts';
export {
  type PredictBoxesOptions,
  type PredictedObjects,
  predictBoxes,
} from '../evaluate/detection/predict-boxes.ts';
export type { DetectEvent } from '../run/events.ts';
export {
  type DetectConfig,
  type DetectInput,
  detectSchema,
  parseDetectConfig,
} from '../config/detect-schema.ts';
export { detectRecipe, detectRecipeNames, resolveDetectConfig } from '../config/detect-recipes.ts';
