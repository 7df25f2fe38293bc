import { plural } from '../text/plural.ts';

/** Quantile 0.975 of the normal distribution. */
const Z = 1.959963984540054;

/** Below so many images a score is told with its interval, and in whole percent: one more digit would be noise. */
const FEW = 1000;

/**
 * Wilson's 95 % interval of a share that was seen in `images` trials (E. B. Wilson 1927, without correction for continuity).
 * It stays within [0, 1], and has a width at 0 and at 1 too.
 * Throws RangeError unless share lies in [0, 1] and there is an image.
 */
export function wilson(share: number, images: number): [low: number, high: number] {
  if (!(share >= 0 && share <= 1) || !(images >= 1))
    throw new RangeError(
      `an interval needs a share in [0, 1] of one image or more, got ${share} of ${images}`,
    );
  const z2 = Z ** 2 / images;
  const centre = (share + z2 / 2) / (1 + z2);
  const half = Math.sqrt(((share * (1 - share)) / images) * Z ** 2 + (Z ** 2 * z2) / 4 / images) / (1 + z2);
  return [share === 0 ? 0 : centre - half, share === 1 ? 1 : centre + half];
}

/**
 * A share of images that were classified rightly, for people: `45.7 %` of many, `50 % (19–81 %)` of few.
 * @param images that were judged; undefined where it is not known
 */
export function scoreText(share: number, images: number | undefined): string {
  if (!(share >= 0 && share <= 1)) return '–';
  const percent = (value: number, digits: number) => (100 * value).toFixed(digits);
  if (images === undefined || !(images >= 1) || images >= FEW) return `${percent(share, 1)} %`;
  const [low, high] = wilson(share, images);
  return `${percent(share, 0)} % (${percent(low, 0)}–${percent(high, 0)} %)`;
}

/** A word of warning about scores of few images; undefined for many. */
export function fewImages(images: number): string | undefined {
  if (images >= FEW) return undefined;
  return `judged on ${plural(images, 'image')} only: the 95 % interval stands in brackets, and scores whose intervals overlap are not told apart`;
}
