/** Mean and standard deviation by channel of pixels on the scale [0, 1]: `(pixel / 255 − mean) / std` enters a model. */
export interface Normalisation {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** The samples of image files that stand for 0 and 1, where they are not those of their type. */
  readonly range?: readonly [low: number, high: number] | undefined;
}

/** ImageNet's statistics, the field's default and the paper's. */
export const IMAGENET: Normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** The same of the mean of the three channels, as the paper's de-colorized encoder sees it on average. */
export const GREY_IMAGENET: Normalisation = { mean: [0.449], std: [0.226] };

/** Statistics of CIFAR-10's 50,000 training images. */
export const CIFAR10: Normalisation = { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] };

/** The normalisation that settings stand for; an empty range is that of the samples' type. */
export function normalisationOf(settings: {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly range: readonly number[];
}): Normalisation {
  const { mean, std } = settings;
  const [low, high] = settings.range;
  return { mean, std, ...(low !== undefined && high !== undefined && { range: [low, high] }) };
}
