import type { Model } from '../model.ts';

// PIL.Image.Resampling
const BICUBIC = 3;

/**
 * `preprocessor_config.json`: how Hugging Face's libraries make `pixel_values` of an image. For a square model as it is
 * evaluated here: the shorter side resized (bicubic), the centre cut out, normalised.
 */
export function preprocessorConfig({ encoder, normalisation, evaluationCrop }: Model): object {
  const [height, width] = encoder.image;
  const view =
    height === width
      ? {
          image_processor_type: 'BitImageProcessor',
          size: { shortest_edge: Math.round(height / evaluationCrop) },
          do_center_crop: true,
          crop_size: { height, width },
        }
      : { image_processor_type: 'ViTImageProcessor', size: { height, width } };
  return {
    ...view,
    do_convert_rgb: encoder.channels === 3,
    do_resize: true,
    resample: BICUBIC,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: normalisation.mean,
    image_std: normalisation.std,
  };
}

/** What the preprocessor does otherwise than the evaluation here. */
export function preprocessorNotes({ encoder: { image } }: Model): string[] {
  const [height, width] = image;
  if (height === width) return [];
  return [
    `\`preprocessor_config.json\` stretches pictures to ${height} × ${width}: cut them to that aspect before, as evaluation did.`,
  ];
}
