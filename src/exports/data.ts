export { type AdviseOptions, type AdviseResult, advise } from '../advise.ts';
export type { Advice } from '../config/advice/advise.ts';
export type { Advised, MachineFacts } from '../config/advice/facts.ts';
/** Images: sources, crops, augmentations, loaders, packs. */
export type { Augment, Augmentation } from '../data/augment/augment.ts';
export type { Erasing } from '../data/augment/erasing.ts';
export { parseRandAugment, type RandAugmentPolicy } from '../data/augment/rand-augment.ts';
export { openBoxes } from '../data/boxes/open.ts';
export {
  type BoxScan,
  type ClassCounts,
  requireBoxes,
  type ScanBoxesOptions,
  scanBoxes,
} from '../data/boxes/scan.ts';
// Types of these signatures
export type {
  Box as CropBox,
  Crop,
  CropSamplerDescription,
  RandomResizedCropOptions,
  Size as PictureSize,
} from '../data/decode/crop.ts';
export {
  type CropSampler,
  centreCrop,
  type LargeScaleJitterOptions,
  randomResizedCrop,
  type ScaleJitterOptions,
} from '../data/decode/crop.ts';
export { largeScaleJitter } from '../data/decode/large-scale-jitter.ts';
export type { EncodedSource, FilePath } from '../data/decode/read-file.ts';
export type { Reading } from '../data/decode/reading.ts';
export { scaleJitter } from '../data/decode/scale-jitter.ts';
export { DataError } from '../data/error.ts';
export type { Batch } from '../data/load/batch.ts';
export { BrokenImages } from '../data/load/broken.ts';
export {
  evaluationBatches,
  type Loader,
  type LoaderOptions,
  type TrainingLoaderOptions,
  trainingBatches,
} from '../data/load/loader.ts';
export type { MaskOptions } from '../data/load/masked-view.ts';
export type { ObjectOptions, ViewObjects } from '../data/load/object-view.ts';
export type { DrawnCrop } from '../data/load/views.ts';
export { type ClassTable, IGNORED, type MaskClass, parseClasses } from '../data/masks/classes.ts';
export type { FoundValue } from '../data/masks/found.ts';
export { openMasks } from '../data/masks/open.ts';
export type { Colour } from '../data/masks/png.ts';
export { readMask } from '../data/masks/read.ts';
export { type MaskScan, requireMasks, type ScanMasksOptions } from '../data/masks/scan.ts';
export { type ShapesOptions, writeShapes } from '../data/shapes/write.ts';
export type { Annotations, BoxAnnotation, Boxes, Masks, Segmentation } from '../data/sources/annotations.ts';
export { countImages, type ImageCounts, verifyImages } from '../data/sources/check-images.ts';
export type { Cifar10Part } from '../data/sources/cifar10.ts';
export { type Cifar10Counts, verifyCifar10 } from '../data/sources/cifar10.ts';
export { fetchCifar10 } from '../data/sources/cifar10-fetch.ts';
export { identify } from '../data/sources/content.ts';
export {
  type Content,
  type Dataset,
  type DigestOptions,
  type RawImage,
  split,
  subset,
} from '../data/sources/dataset.ts';
export type { FolderOptions } from '../data/sources/folder.ts';
export { openImages } from '../data/sources/image-list.ts';
export type { ImageSource, ModuleSource, PixelSource } from '../data/sources/image-source.ts';
export { labelledShare } from '../data/sources/labelled-share.ts';
export { openDataset } from '../data/sources/open.ts';
export type { PackProgress } from '../data/sources/pack.ts';
export { type PackOptions, type PackResult, packImages } from '../data/sources/pack.ts';
export type { OpenOptions, OpenProgress, SourceScheme, Verified } from '../data/sources/scheme.ts';
export type { ReadingWatch } from '../data/statistics/duplicates.ts';
export { type Spread, type Survey, type SurveyOptions, surveyImages } from '../data/statistics/survey.ts';
export type { Rle } from '../detect/rle.ts';
export {
  CIFAR10 as cifar10Normalisation,
  IMAGENET as imagenetNormalisation,
  type Normalisation,
} from '../image/normalise.ts';
export type { ModuleExport, NamedModule } from '../modules/module-export.ts';
