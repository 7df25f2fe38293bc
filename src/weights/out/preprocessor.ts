import { type EvaluationView, filters } from '../../image/view.ts';
import type { Model } from '../model.ts';

/**
 * `preprocessor_config.json`: how Hugging Face's libraries compute `pixel_values` from an image. A square model gets
 * this project's evaluation view: shorter side resized (bicubic), centre crop, normalised.
 */
export function preprocessorConfig({
  encoder,
  normalisation,
  evaluationCrop,
  evaluationView,
}: Model): object {
  const [height, width] = encoder.image;
  const view = evaluationView
    ? theirs(evaluationView, height, width)
    : height === width
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
    do_resize: evaluationView?.fit !== 'keep',
    resample: filters.indexOf(evaluationView?.filter ?? 'bicubic'),
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: normalisation.mean,
    image_std: normalisation.std,
  };
}

/** The view of another project's file. */
function theirs({ fit, resized }: EvaluationView, height: number, width: number): object {
  const cut = { do_center_crop: true, crop_size: { height, width } };
  const bit = 'BitImageProcessor';
  const [high, wide] = resized;
  if (fit === 'cover')
    return { image_processor_type: bit, size: { shortest_edge: Math.min(high, wide) }, ...cut };
  if (fit === 'contain')
    return { image_processor_type: bit, size: { max_height: high, max_width: wide }, ...cut };
  const whole = fit === 'stretch' && high === height && wide === width;
  const size = { height: high, width: wide };
  return { image_processor_type: 'ViTImageProcessor', size, ...(!whole && cut) };
}

/** Differences between the preprocessor and this project's evaluation. */
export function preprocessorNotes({ encoder: { image }, evaluationView: view }: Model): string[] {
  const [height, width] = image;
  if (view)
    return [
      view.border.some((value) => value !== 0) &&
        `\`preprocessor_config.json\` pads pictures with 0: evaluation padded them with ${view.border.join(', ')}.`,
      view.fit === 'cover' &&
        view.resized[0] !== view.resized[1] &&
        '`preprocessor_config.json` resizes the shorter side: evaluation made pictures cover the view.',
    ].filter((note) => note !== false);
  if (height === width) return [];
  return [
    `\`preprocessor_config.json\` stretches pictures to ${height} × ${width}: cut them to that aspect before, as evaluation did.`,
  ];
}
