/** Mean and standard deviation by channel of pixels on the scale [0, 1]: `(pixel / 255 − mean) / std` enters a model. */
export interface Normalisation {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** ImageNet's statistics, the field's default and the paper's. */
export const IMAGENET: Normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** The same of the mean of the three channels, as the paper's de-colorized encoder sees it on average. */
export const GREY_IMAGENET: Normalisation = { mean: [0.449], std: [0.226] };

/** Statistics of CIFAR-10's 50,000 training images. */
export const CIFAR10: Normalisation = { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] };
