/** Detection and instance segmentation: training, predictions, settings and recipes; boxes, masks, COCO's scores and files, pictures. */
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
export { type BoxRows, boxArea, boxIou, boxIous } from '../detect/boxes.ts';
export { decodeRle, encodeRle, type Rle, rleArea, rleBox, rleOf } from '../detect/rle.ts';
export { rleFromText, rleToText } from '../detect/rle-text.ts';
export { maskIou, maskIous, mergeRles } from '../detect/combine-rle.ts';
export { polygonRle } from '../detect/polygon.ts';
export { CocoEvaluation, type CocoEvaluationOptions, type CocoScores } from '../detect/coco-evaluation.ts';
export { type CocoBox, type FoundObject, toCocoBox, type TrueObject } from '../detect/coco-objects.ts';
export { type CocoResult, cocoResults, parseCocoResults, trueObjects } from '../data/boxes/results.ts';
export { objectMask } from '../data/boxes/segmentation.ts';
export {
  type DetectedPicture,
  type DrawnObject,
  drawObjects,
  renderDetections,
} from '../visualize/detections.ts';
// Types of these signatures
export type { FoundBox } from '../run/find-objects.ts';
export type { Size as PictureSize } from '../data/decode/crop.ts';
export type { BoxAnnotation, Boxes, Segmentation } from '../data/sources/annotations.ts';
export type { RgbImage } from '../visualize/rgb-image.ts';
