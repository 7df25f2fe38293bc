/**
 * Mean and standard deviation per channel of pixels on the scale [0, 1]. A model sees `(pixel / 255 − mean) / std`.
 */
export interface Normalisation {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Sample values of image files that map to 0 and 1. Default: the range of the samples' type. */
  readonly range?: readonly [low: number, high: number] | undefined;
}

/** ImageNet's statistics, the field's default and the paper's. */
export const IMAGENET: Normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Statistics of grey images: means over ImageNet's three channels, as the paper's de-colorized encoder sees. */
export const GREY_IMAGENET: Normalisation = { mean: [0.449], std: [0.226] };

/** Statistics of CIFAR-10's 50,000 training images. */
export const CIFAR10: Normalisation = { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] };

/** The normalisation from a run's settings. An empty range means the range of the samples' type. */
export function normalisationOf(settings: {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly range: readonly number[];
}): Normalisation {
  const { mean, std } = settings;
  const [low, high] = settings.range;
  return { mean, std, ...(low !== undefined && high !== undefined && { range: [low, high] }) };
}
