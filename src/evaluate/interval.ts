import { plural } from '../text/plural.ts';

/** Quantile 0.975 of the normal distribution. */
const Z = 1.959963984540054;

/** With fewer images, a score is shown in whole percent and with its interval: another digit would be noise. */
const FEW = 1000;

/**
 * Wilson's 95 % confidence interval of a share of `images` trials (E. B. Wilson 1927, without continuity correction).
 * It lies within [0, 1], and has a positive width even for the shares 0 and 1.
 * Throws RangeError for a share outside of [0, 1], and without images.
 */
export function wilson(share: number, images: number): [low: number, high: number] {
  if (!(share >= 0 && share <= 1) || !(images >= 1))
    throw new RangeError(
      `an interval needs a share in [0, 1] of at least one image, got ${share} of ${images}`,
    );
  const z2 = Z ** 2 / images;
  const centre = (share + z2 / 2) / (1 + z2);
  const half = Math.sqrt(((share * (1 - share)) / images) * Z ** 2 + (Z ** 2 * z2) / 4 / images) / (1 + z2);
  return [share === 0 ? 0 : centre - half, share === 1 ? 1 : centre + half];
}

/**
 * Formats an accuracy: `45.7 %` for many images, `50 % (19–81 %)` for few.
 * @param images number of test images; undefined if unknown
 */
export function scoreText(share: number, images: number | undefined): string {
  if (!(share >= 0 && share <= 1)) return '–';
  const percent = (value: number, digits: number) => (100 * value).toFixed(digits);
  if (images === undefined || !(images >= 1) || images >= FEW) return `${percent(share, 1)} %`;
  const [low, high] = wilson(share, images);
  return `${percent(share, 0)} % (${percent(low, 0)}–${percent(high, 0)} %)`;
}

/** A warning about scores of few images; undefined for many. */
export function fewImages(images: number): string | undefined {
  if (images >= FEW) return undefined;
  return `judged on ${plural(images, 'image')} only: brackets show the 95 % interval; scores with overlapping intervals may not differ`;
}
